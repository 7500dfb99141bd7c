"""The whole scorecard of a three-layer model with all controls, in seconds and gigabytes, beside its parts.

Paediatric lupus (996 samples, technical replicates dropped), three layers of 64 nodes; controls of the same width:
PCA, ICA, eigengenes, a shallow autoencoder, random weights, permuted genes. Timed: fitting the controls and lighting
up every layer; the network's distances (STRING v10 at 700) and 1,000 draws for every node, matched on degree, and
again on mean and variance too; Reactome, with and without that match; silhouette, neighbours, probe and variance of
disease and batch, and the variance explained by every other column, each against 200 shuffles. The value is the
seconds of all of it, without the training of the model itself; peak memory is that of a process of its own.
The quick run takes the embedded cohort, network and layers of 16 nodes.
"""

from __future__ import annotations

import json
import sys

from benchmarks._harness import Result
from benchmarks._measure import Figure, child
from benchmarks.distances import SHARED

WORK = """
import json, sys, time
from pathlib import Path
from genelight import demo, evidence, io, models, study

shared = sys.argv[1]
times = {}
def lap(what, started=[time.perf_counter()]):
    now = time.perf_counter()
    times[what], started[0] = now - started[0], now

if shared:
    adata = io.read(Path(shared, "sle_blood_GSE65391.h5ad"))
    adata = adata[adata.obs["set"] != "technical_replicate"].copy()
    network = io.read_network(Path(shared, "networks/string_v10_symbols.csv.gz"), cut=700, name="STRING v10 at 700")
    samples = evidence.Samples(adata.obs, ["disease"], ["batch"], "subject")
else:
    adata, network = demo.cohort(), demo.network()
    samples = evidence.Samples(adata.obs, ["condition"], (), "subject")
widths = (64,) * 3 if shared else (16,) * 3
model = models.fit(adata, widths=widths, subject="subject", epochs=None if shared else 2)
lap("training the model, not counted")
read = study.readings([model], adata)
lap("fitting and reading controls")
net = evidence.distances(network)
lap("distances")
x_ng = study.expression(model, adata)
cards = {
    "network": lambda: evidence.scorecard(read, network=net, x_ng=x_ng),
    "gene sets": lambda: evidence.scorecard(read, sets=[demo.sets()], x_ng=x_ng),
    "labels, batches and columns": lambda: evidence.scorecard(read, samples),
}
figures = 0
lap("reading, not counted")
for what, card in cards.items():
    figures += len(card().table)
    lap(what)
print(json.dumps({"times": times, "figures": figures, "nodes": sum(r.width for r in read), "genes": len(model.genes)}))
"""


def run(*, quick: bool) -> Result:
    shared = "" if quick or not SHARED.is_dir() else str(SHARED)
    done = child([sys.executable, "-c", WORK, shared])
    found = json.loads(done.output.strip().splitlines()[-1])
    times = {what: seconds for what, seconds in found["times"].items() if "not counted" not in what}
    rows: list[dict[str, object]] = [{"what": what, "seconds": seconds} for what, seconds in found["times"].items()]
    rows += [{"what": "all but training", "seconds": sum(times.values())}]
    rows += [{"what": "peak memory", "GB": done.peak_bytes / 1e9}, {"what": "figures", "count": found["figures"]}]
    cohort = "lupus" if shared else "influenza"
    data = f"{cohort}, {found['genes']:,} genes, {found['nodes']:,} nodes of model and controls"
    return Result("value", Figure(sum(times.values())), data, rows)

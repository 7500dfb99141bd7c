"""The paper's two gradients over depth on a compendium: networks first, tissue and disease last, beside controls.

Dwivedi et al. 2020 (doi 10.1038/s41467-020-14666-6) read a protein-interaction signal that is strongest in the first
layer, and disease and cell-type signals that grow with depth. Here both are asked of three kinds of autoencoder, each
trained five times: the default (512-64-2,048 around PCA), the textbook one (``plain``, ReLU, 512-512-512) and the
paper's recipe (``paper``, sigmoid, 512-512-512, in gene space). The first training is on everyone, the others are on
bootstraps of the patients. Beside them stand, three times each, PCA, ICA, eigengenes of gene clusters and a network of
random weights, once a shallow autoencoder, of the layers' widths (the default's last layer of 2,048 stands beside
controls of 512), and permuted genes.

Data: 3,218 samples of 64 studies (values are normal scores within each sample). The network is STRING v10 at 700, nodes
are tested by the mean distance of their 150 strongest genes; the sets are Reactome and the genes of 99 diseases in the
GWAS catalog (2015). Labels are the tissue (22 organs; sorted cells and xenografts left out) and the disease (patients
by their disease, controls together); labels are shuffled among patients of a study. They are asked three times: as they
are; *within* studies (each study's mean taken out of the codes); *across* studies (neighbours of other studies only, a
probe for studies that it has not seen; labels that three studies share). The study is the batch. Cell types cannot be
asked by themselves: the file has none of the labels of its study of sorted cells.

The value is how many of the six answers (two gradients, three kinds of model) hold: the network's with genes matched on
degree, mean and variance (share of nodes with p of at most 0.01), and the labels' by the silhouette as they are, of
tissue and of disease both. The rules of the verdict stand at ``evidence.scorecard``. Every kind is kept when it is
done; cost: about three hours of one processor, most of it trainings of the plain one and of the paper's.

Two of the six answers hold. *Networks first* asks for less in the last layer than in the first, and holds so for the
default and the plain kind, with genes matched on degree, mean and variance: falls of 0.12 (0.06, 0.18) and 0.06 (0.02,
0.09) over trainings. Neither falls steadily: of the nodes of its three layers the default has 0.18, 0.22 and 0.06, most
in the bottleneck, and the plain one 0.09, 0.01 and 0.03, least in the middle (0.01 by chance). In the paper's recipe,
trained until it has learned (held-out R² 0.48, PCA of its width 0.63), it cannot be told: 0.12, 0.12 and 0.10, a fall
of 0.02 (-0.01, 0.06). And the mean over layers is above no more than some controls: a single hidden layer has as much
(0.15 beside the default, 0.10 beside the plain one, 0.11 beside the paper's), ICA nearly (0.14, 0.10, 0.11). *Tissue
and disease last* holds for none: the silhouette of tissues is -0.11, 0.11 and -0.10 in the default, where PCA has 0.17;
it rises by traces in the plain one (0.12, 0.15, 0.16; PCA 0.15) and in the paper's (0.17, 0.18, 0.19; PCA 0.15,
eigengenes 0.16), where it is above every control by 0.002 (0.001, 0.004); that of diseases does not rise beyond
controls in any, and within studies that of the paper's falls (-0.16, -0.18, -0.21). The study, which is batch, rises
with the tissue in the paper's recipe (0.25, 0.26, 0.28). Pathways do not come last either: with matched genes 0.27,
0.25 and 0.12 of its nodes have one. What the default's bottleneck does hold above every control is the tissue of
studies never seen, by a linear probe (0.82; eigengenes 0.68, ICA 0.54, PCA 0.41), and the disease within studies (0.42;
ICA 0.23); the paper's layers have 0.63, 0.62 and 0.59 of the first, no more than eigengenes (0.66).

What an earlier form of this study gave on single cohorts (paediatric lupus, six tumour types, and a compendium of
1,744 samples of six cohorts), the default being the one for small tables: 0 of 6. Networks first held nowhere: the
default's layers hold as much as one another (matched share 0.17, 0.18, 0.18 in lupus), the plain one 0.042, 0.042,
0.036, and the paper's recipe, which then did not learn (R² of 0.002), none. The label last held for the plain one by
the silhouette, in tumours (0.19, 0.22, 0.36) and in the compendium (0.24, 0.29, 0.36), by no linear probe, and the
study, which is batch, rose with it (0.35, 0.44, 0.55); eigengenes without any depth had more (0.42). ICA and the
shallow autoencoder held as much of the network as the default or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from benchmarks._harness import Result
from benchmarks._measure import Figure

from genelight import demo, evidence, io, models, pp, study
from genelight.models import Deep, DeepRecipe
from genelight.models.fitted_autoencoder import FittedAutoencoder
from genelight.nouns import Edges
from genelight.nouns.scorecard import Scorecard
from genelight.study._readings import CONTROLS

from ._blocks import in_blocks

if TYPE_CHECKING:
    from anndata import AnnData

SHARED = Path(__file__).parents[1] / "../shared/data"
KINDS = ("default", "plain", "paper")
TRAININGS, DRAWS, CONTROL_SEEDS = 5, 495, 3
WIDTH, BOTTLENECK = 512, 64
QUICK = (16, 4, 3, 3)
"""Both widths, trainings and epochs of the quick run."""
MEASURES = ("share", "silhouette", "neighbours", "probe")
LABELS = ("tissue", "disease")
PREPARED = pp.PreparationSettings(missing=True, standardise="centre", above_floor=0.0)
ORGANS = {
    "bladder": ("blca", "urothelium (several sites)"),
    "blood": (
        "Whole Blood",
        "Whole blood",
        "whole blood",
        "whole blood / PBMC / leukocytes",
        "PBMC",
        "peripheral blood",
    ),
    "brain": ("brain parietal lobe",),
    "breast": (),
    "cervix": ("cesc",),
    "colorectum": ("coad", "read", "colon"),
    "head and neck": ("hnsc",),
    "heart": (),
    "kidney": ("kich", "kirc", "kirp"),
    "liver": ("lihc",),
    "lung": ("luad", "lusc"),
    "muscle": ("myotube", "skeletal muscle, myocytes"),
    "oesophagus": ("esca",),
    "ovary": ("ovary epithelium", "ovary stroma"),
    "pancreas": (),
    "prostate": ("prad",),
    "retina": ("retina/RPE",),
    "salivary": (),
    "skin": (),
    "stomach": ("stad",),
    "thyroid": ("thca",),
    "uterus": ("ucec",),
}
"""Organs, and what the file calls them beside their own name."""


def run(*, quick: bool) -> Result:
    adata = _small() if quick else _compendium()
    against = {"network": evidence.distances(_network(quick=quick)), "sets": _sets(quick=quick)}
    controls = cache(lambda: _controls(adata, quick=quick))
    blocks = {kind: partial(_rows, adata, kind, controls=controls, against=against, quick=quick) for kind in KINDS}
    rows = in_blocks("gradients", blocks, keep=not quick)
    held = sum(bool(row["holds"]) for row in rows if "holds" in row)
    data = (
        f"of {2 * len(KINDS)}; {adata.n_obs} samples x {adata.n_vars} genes of {adata.obs['study'].nunique()} studies"
    )
    return Result("value", Figure(float(held), None, TRAININGS), data, rows)


def _rows(
    adata: AnnData,
    kind: str,
    *,
    controls: Callable[[], list[evidence.Reading]],
    against: dict[str, object],
    quick: bool,
) -> Iterator[dict[str, object]]:
    """Everything about one kind of autoencoder."""
    trained = _trained(adata, kind, quick=quick)
    held_out = trained[0].about["held_out"]
    yield {"kind": kind, "held-out R²": held_out["r2"], "that of PCA": held_out["pca_r2"]}
    read = study.readings(adata, trained, controls=())
    read += controls() if kind == KINDS[0] else _even(controls())
    x_ng = trained[0].preparation.restore(trained[0].prepare(adata))
    for asked, part, samples, more in _asked(adata, read, against={**against, "x_ng": x_ng}):
        card = evidence.scorecard(part, samples, draws=99 if quick else DRAWS, **more)
        for row in (*_figures(card), *_verdicts(card)):
            yield {"kind": kind, "asked": asked} | row
        if more:
            network = _holds(card, ", matched", measure="share")
            yield {"kind": kind, "question": "network first", "holds": network}
            labels = all(_holds(card, label, measure="silhouette") for label in LABELS)
            yield {"kind": kind, "question": "tissue and disease last", "holds": labels}


def _controls(adata: AnnData, *, quick: bool) -> list[evidence.Reading]:
    """Controls of 512, 64 and 512 nodes, whatever stands beside them; the shallow one, which costs most, once."""
    width, bottleneck = QUICK[:2] if quick else (WIDTH, BOTTLENECK)
    shape = models.Random((width, bottleneck, width), preparation=PREPARED).fit(adata)
    found = []
    for name in ("pca", "random") if quick else CONTROLS:
        seeds = 1 if quick or name == "shallow" else CONTROL_SEEDS
        read = study.readings(adata, [shape], controls=[name], control_seeds=seeds)
        found += [reading for reading in read if reading.control]
    return found


def _even(controls: list[evidence.Reading]) -> list[evidence.Reading]:
    """The same for layers of one width: the wide layer stands in the middle too."""
    wide = {(r.model, r.seed): r for r in controls if r.depth == 1}
    return [replace(wide[r.model, r.seed], depth=2) if r.depth == 2 else r for r in controls]


def _trained(adata: AnnData, kind: str, *, quick: bool) -> list[FittedAutoencoder]:
    """Trainings of one kind, on everyone and on redrawn patients."""
    width, bottleneck = QUICK[:2] if quick else (WIDTH, BOTTLENECK)
    seeds, epochs = QUICK[2:] if quick else (TRAININGS, None)
    if kind == "default":
        recipe = DeepRecipe(epochs=epochs) if epochs else DeepRecipe()
        widths = (width, bottleneck, 2 * width if quick else 2048)
        model = Deep(widths, group="study", recipe=recipe, preparation=PREPARED).fit(adata)
    else:
        spec = models.Autoencoder((width,) * 3, preset=kind, subject="study", epochs=epochs, preparation=PREPARED)
        model = spec.fit(adata)
    return [model, *models.Ensemble.fit(adata, model, seeds=seeds - 1, subject="patient")]


def _asked(
    adata: AnnData, read: list[evidence.Reading], *, against: dict[str, object]
) -> Iterator[tuple[str, list[evidence.Reading], evidence.Samples, dict[str, object]]]:
    """The same readings, asked for the labels as they are, within studies and across them."""
    columns = [*LABELS, "study", "patient"]
    whole = evidence.Samples(adata.obs[columns], LABELS, ("study",), "patient")
    yield "all", read, whole, against
    study_n = adata.obs["study"].astype(str).to_numpy()
    within = [replace(reading, h_nk=_centred(reading.h_nk, study_n)) for reading in read]
    yield "within studies", within, evidence.Samples(adata.obs[[*LABELS, "patient"]], LABELS, (), "patient"), {}
    yield "across studies", read, evidence.Samples(adata.obs[[*LABELS, "study"]], LABELS, (), "study"), {}


def _centred(h_nk: np.ndarray, study_n: np.ndarray) -> np.ndarray:
    frame = pd.DataFrame(h_nk)
    return (frame - frame.groupby(study_n).transform("mean")).to_numpy(np.float32)


def _figures(card: Scorecard) -> Iterator[dict[str, object]]:
    """Means over trainings by layer and control."""
    means = card.means()
    means = means[means["measure"].isin(MEASURES) | (means["kind"] == "batch")]
    for (question, measure), part in means.groupby(["question", "measure"], sort=False):
        own = part[~part["control"]].set_index("layer")["value"].to_dict()
        controls = part[part["control"]].groupby("model", sort=False)["value"].mean().to_dict()
        yield {"question": question, "measure": measure, **own, **controls, "chance": float(part["null"].mean())}


def _verdicts(card: Scorecard) -> Iterator[dict[str, object]]:
    """Every claim with its interval over trainings and the control that comes nearest."""
    for row in card.verdicts.to_dict("records"):
        about = {k: row[k] for k in ("question", "measure", "claim", "verdict", "p")}
        own = _interval(row["value"], row["low"], row["high"])
        gap = _interval(row["difference"], row["difference_low"], row["difference_high"])
        yield about | {"over trainings": own, "over the nearest control": f"{gap} {row['control']}"}


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _holds(card: Scorecard, question: str, *, measure: str) -> bool:
    rows = card.verdicts[card.verdicts["question"].str.endswith(question) & (card.verdicts["measure"] == measure)]
    rows = rows[rows["kind"].isin(["network", "label"]) & rows["claim"].str.contains("with depth")]
    return len(rows) > 0 and bool((rows["verdict"] == "holds").all())


def _compendium() -> AnnData:
    """The compendium, with the organ and the disease of every sample of which the file says so."""
    adata = io.read(SHARED / "compendium/human_bulk.h5ad", dense=True)
    obs = adata.obs
    known = {name: organ for organ, others in ORGANS.items() for name in (organ, *others)}
    tissue = obs["tissue"].astype(str)
    organ = tissue.map(known)
    of_two = obs["labels"].astype(str).map({"class=breast": "breast", "class=colon": "colorectum"})
    adata.obs["tissue"] = organ.where(tissue != "breast, colon", of_two).astype(object)
    tuberculosis = obs["tb_status"].astype(str).map({"PTB": "tuberculosis", "LTBI": "latent", "Control": "control"})
    group = obs["group"].astype(str)
    other = obs["disease"].astype(str).where(group == "disease", group.map({"control": "control"}))
    adata.obs["disease"] = tuberculosis.where(tuberculosis.notna(), other).astype(object)
    return adata


def _small() -> AnnData:
    """The embedded cohort: people in five studies that it never had, and early and late samples for tissues."""
    adata = demo.cohort()
    adata.obs["patient"] = adata.obs["subject"].astype(str)
    adata.obs["study"] = pd.Series(pd.factorize(adata.obs["patient"])[0] % 5, adata.obs_names).astype(str)
    adata.obs["tissue"] = np.where(adata.obs["hours"] >= 45, "late", "early")
    adata.obs["disease"] = adata.obs["condition"].astype(str)
    return adata


def _network(*, quick: bool) -> Edges:
    path = SHARED / "networks/string_v10_symbols.csv.gz"
    return demo.network() if quick or not path.exists() else io.read_network(path, cut=700, name="STRING v10 at 700")


def _sets(*, quick: bool) -> list[Edges]:
    path = SHARED / "disease_genes/gwas_catalog_2015_gene_associations.tsv.gz"
    if quick or not path.exists():
        return [demo.sets()]
    return [demo.sets(), io.read_gene_lists(path, keep={"status": ["HC-P", "HC-S"]}, name="GWAS catalog")]

"""The paper's two gradients over depth, each against every control: networks first, disease and cell type last.

Dwivedi et al. 2020 (doi 10.1038/s41467-020-14666-6) read a protein-interaction signal that is strongest in the first
layer, and disease and cell-type signals that grow with depth. Here both are asked of three kinds of autoencoder with
three layers of 64 nodes, so that nothing but depth tells layers apart: the default, which starts from PCA turned into
independent programmes; the textbook one (``plain``); and the paper's recipe (``paper``: sigmoid, in gene space). The
default and the plain one are trained five and three times, the paper's, which costs most, three times: once on
everyone and then on bootstraps of the subjects. Beside them stand PCA, ICA, eigengenes of gene clusters and a shallow
autoencoder of the same width, the same network with random weights (each fitted three times), and permuted genes.

Cohorts: paediatric lupus (GSE65391, technical replicates dropped), six tumour types (TCGA), and a compendium of both
with adult lupus (GSE49454), the influenza challenge (GSE30550), lupus on another chip (GSE4588) and multiple sclerosis
cortex (GSE123496), their common genes brought to normal scores within each sample. Labels are shuffled by subject and
within study or batch. The network is STRING v10 at 700, nodes are tested by the mean distance of their 150 strongest
genes; the sets are Reactome and the genes of 99 diseases in the GWAS catalog (2015).

The value is how many of the six answers (two gradients, three kinds of model) hold in every cohort: the network's with
genes matched on degree, mean and variance (share of nodes with p of at most 0.01), and the label's by the silhouette.
The rules of the verdict stand at ``evidence.scorecard``. What was feared beforehand: one training shows a gradient to
the eye that others do not. Cost: 17 minutes of one processor.

What came out: 0 of 6.

Networks first: holds nowhere. The default's layers hold as much as one another (matched share 0.17, 0.18, 0.18 in
lupus, 0.16, 0.17, 0.16 in tumours, 0.17 in the compendium). The plain one has 0.042, 0.042, 0.036 in lupus, in tumours
and in the compendium what chance gives; an earlier run of three trainings had 0.073, 0.057, 0.036 in lupus, the
paper's gradient to the eye (p 0.10). The paper's recipe learns nothing of single cohorts of this size (held-out R²
0.002 and 0.001, no node close); in the compendium (0.55) its middle layer is at 0.57 and those beside it at 0.12 and
0.10, which is no gradient either.

Disease and cell type last: holds for the plain one, by the silhouette, in tumours (0.19, 0.22, 0.36; p 0.005) and in
the compendium (0.24, 0.29, 0.36; p 0.005), in neither by a linear probe (0.98, 0.98, 0.98; 0.82, 0.85, 0.86): layers
know hardly more of the label, they set what they know farther apart. In the compendium the study, which is batch,
rises with it (0.35, 0.44, 0.55). In tumours eigengenes without any depth have more (0.42). In lupus it does not hold:
the silhouette of the disease is at or under what shuffles within batches give. For the default it does not hold
anywhere.

In the matched column the default beats PCA, random weights and permuted genes everywhere and no more: ICA (0.21, 0.19,
0.19) and the shallow autoencoder (0.21, 0.18, 0.19) hold as much or more everywhere, eigengenes in lupus (0.17) and in
tumours (0.27). No kind of model beats every baseline in any cohort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy.stats import norm, rankdata

from genelight import demo, evidence, io, models, pp, study
from genelight.evidence.distances import Interactome
from genelight.models.autoencoder import FittedAutoencoder
from genelight.nouns import Edges, Scorecard
from genelight.study._readings import CONTROLS, expression

if TYPE_CHECKING:
    from anndata import AnnData

SHARED = Path(__file__).parents[1] / "../shared/data"
WIDTH, DRAWS, CONTROL_SEEDS = 64, 1000, 3
TRAININGS = {"default": 5, "plain": 3, "paper": 3}
MEASURES = ("share", "silhouette", "probe")


@dataclass(frozen=True)
class _Cohort:
    name: str
    adata: AnnData
    label: str
    batch: tuple[str, ...] = ()


def run(*, quick: bool) -> Result:
    fits: list[dict[str, object]] = []
    figures: list[dict[str, object]] = []
    verdicts: list[dict[str, object]] = []
    held: list[list[bool]] = []
    cohorts = list(_cohorts(quick=quick))
    network, sets = _network(quick=quick), _sets(quick=quick)
    net = evidence.distances(network)
    for cohort in cohorts:
        controls: list[evidence.Reading] = []
        found: list[bool] = []
        for kind in TRAININGS:
            model, read = _readings(cohort, kind, quick=quick)
            controls = controls or _controls(cohort, model, quick=quick)
            card = _card(cohort, [*read, *controls], net, sets=sets, quick=quick, model=model)
            about = {"cohort": cohort.name, "preset": kind}
            held_out = model.about["held_out"]
            fits.append({**about, "held-out R²": held_out["r2"], "that of PCA": held_out["pca_r2"]})
            figures += [about | row for row in _figures(card)]
            verdicts += [about | row for row in _verdicts(card)]
            found += [
                _holds(card, "network", ending="matched", measure="share"),
                _holds(card, "label", ending="", measure="silhouette"),
            ]
        held.append(found)
    value = float(sum(all(column) for column in zip(*held, strict=True)))
    names = ", ".join(f"{c.name} ({c.adata.n_obs} samples x {c.adata.n_vars} genes)" for c in cohorts)
    data = f"of {2 * len(TRAININGS)}; {names}"
    return Result("value", Figure(value, None, len(cohorts)), data, [*fits, *figures, *verdicts])


def _readings(cohort: _Cohort, kind: str, *, quick: bool) -> tuple[FittedAutoencoder, list[evidence.Reading]]:
    """A model of one kind, and the layers of its trainings: on everyone, and on redrawn subjects."""
    seeds, width = (3, 16) if quick else (TRAININGS[kind], WIDTH)
    epochs = 5 if quick else None
    model = models.fit(cohort.adata, preset=kind, widths=(width,) * 3, subject="subject", epochs=epochs)
    again = models.fit_ensemble(cohort.adata, model, seeds=seeds - 1, subject="subject")
    return model, study.readings(cohort.adata, [model, *again], controls=())


def _controls(cohort: _Cohort, model: FittedAutoencoder, *, quick: bool) -> list[evidence.Reading]:
    names, seeds = (("pca", "random"), 1) if quick else (CONTROLS, CONTROL_SEEDS)
    read = study.readings(cohort.adata, [model], controls=names, control_seeds=seeds)
    return [reading for reading in read if reading.control]


def _card(
    cohort: _Cohort,
    read: list[evidence.Reading],
    net: Interactome,
    *,
    sets: list[Edges],
    quick: bool,
    model: FittedAutoencoder,
) -> Scorecard:
    columns = [cohort.label, "subject", *cohort.batch]
    samples = evidence.Samples(cohort.adata.obs[columns], [cohort.label], cohort.batch, "subject")
    x_ng = expression(model, cohort.adata)
    return evidence.scorecard(read, samples, network=net, sets=sets, x_ng=x_ng, draws=99 if quick else DRAWS)


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


def _holds(card: Scorecard, kind: str, *, ending: str, measure: str) -> bool:
    rows = card.verdicts[(card.verdicts["kind"] == kind) & (card.verdicts["measure"] == measure)]
    rows = rows[rows["question"].str.endswith(ending) & rows["claim"].str.contains("with depth")]
    return bool((rows["verdict"] == "holds").all())


def _cohorts(*, quick: bool) -> Iterator[_Cohort]:
    """Cohorts that are there, the subject of each sample in ``obs["subject"]``."""
    flu = demo.cohort()
    if quick or not SHARED.is_dir():
        yield _Cohort("influenza", flu, "condition")
        return
    lupus = io.read(SHARED / "sle_blood_GSE65391.h5ad")
    lupus = lupus[lupus.obs["set"] != "technical_replicate"].copy()
    lupus.obs["batch"] = lupus.obs["batch"].map("batch {:.0f}".format)
    adults = io.read(SHARED / "sle_blood_GSE49454.h5ad")
    adults.obs["subject"] = adults.obs["Sample_title"].str.replace(r"V\d+$", "", regex=True)
    tumours = io.read(SHARED / "tcga_rnaseq_6types.h5ad")
    tumours.obs["subject"] = tumours.obs_names.str[:12]
    tumours.var_names = tumours.var_names.str.split("|").str[0]
    tumours = tumours[:, ~tumours.var_names.duplicated(keep=False) & (tumours.var_names != "?")].copy()
    yield _Cohort("lupus, children", lupus, "disease", ("batch",))
    yield _Cohort("tumours", tumours, "tumour_type")
    states = {"lupus, children": (lupus, "disease"), "lupus, adults": (adults, "disease")}
    states |= {"tumours": (tumours, "tumour_type"), "influenza": (flu, "condition")}
    states |= {name: (adata, "disease") for name, adata in _small().items()}
    yield _Cohort("compendium", _joined(states), "state", ("study",))


def _small() -> dict[str, AnnData]:
    """The two cohorts of 16 and 10 people on other scales and ids, one column per gene."""
    blood = pp.map_ids(
        io.read(SHARED / "small_cohorts/sle_GSE4588_gpl570_raw.csv.gz"),
        table=SHARED / "id_maps/gpl570_probe_entrez.csv.gz",
    )
    blood.obs["disease"] = ["healthy"] * 9 + ["SLE"] * 7
    cortex = pp.map_ids(io.read(SHARED / "small_cohorts/ms_cortex_GSE123496_counts_entrez.csv.gz"), collapse="sum")
    cortex.obs["disease"] = ["MS" if name.startswith("MS") else "normal" for name in cortex.obs_names]
    for adata in (blood, cortex):
        adata.obs["subject"] = adata.obs_names
    return {"lupus, GPL570": blood, "MS, cortex": cortex}


def _joined(parts: dict[str, tuple[AnnData, str]]) -> AnnData:
    """Cohorts over their common genes, each sample's values as normal scores; what is known of them as ``state``."""
    from anndata import AnnData

    common = sorted(set.intersection(*(set(adata.var_names) for adata, _ in parts.values())))
    x_ng = np.concatenate([np.asarray(adata[:, common].X, dtype=np.float64) for adata, _ in parts.values()])
    score_ng = norm.ppf(rankdata(x_ng, axis=1) / (len(common) + 1)).astype(np.float32)
    obs = [
        pd.DataFrame(
            {
                "state": adata.obs[label].astype(str).to_numpy(),
                "study": name,
                "subject": (f"{name} " + adata.obs["subject"].astype(str)).to_numpy(),
            }
        )
        for name, (adata, label) in parts.items()
    ]
    joined = pd.concat(obs, ignore_index=True)
    joined.index = joined.index.astype(str)
    return AnnData(score_ng, obs=joined, var=pd.DataFrame(index=pd.Index(common)))


def _network(*, quick: bool) -> Edges:
    path = SHARED / "networks/string_v10_symbols.csv.gz"
    return demo.network() if quick or not path.exists() else io.read_network(path, cut=700, name="STRING v10 at 700")


def _sets(*, quick: bool) -> list[Edges]:
    path = SHARED / "disease_genes/gwas_catalog_2015_gene_associations.tsv.gz"
    if quick or not path.exists():
        return [demo.sets()]
    return [demo.sets(), io.read_gene_lists(path, keep={"status": ["HC-P", "HC-S"]}, name="GWAS catalog")]

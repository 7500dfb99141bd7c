"""The verbs in order. Every step leaves its artefact; a step whose inputs have not changed is not done again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import evidence, models, report, tl
from .._core.provenance import digest, read_json, versions, write_json, writing
from .._core.tables import write_plain
from .._core.types import Model, Module, NodeGenes
from ._inputs import Inputs
from ._ledger import Ledger
from ._settings import Study
from ._template import to_toml

__all__ = ["Outcome", "run"]

BASELINE = "pca"
BASELINE_LAYERS = (models.PCA_LAYER, models.ICA_LAYER)
CONTROLS = ("de", "variance")
MODULES = ("05_module.tsv", *(f"05_module_{name}.tsv" for name in (BASELINE, *CONTROLS)))
STABLE = 0.9


@dataclass(frozen=True)
class Outcome:
    """Where a run's results are, and what it found.

    Attributes
    ----------
    folder, report
        Paths of the run folder and of its report.
    findings
        Five sentences.
    """

    folder: Path
    report: Path
    findings: tuple[str, ...]


def run(study: Study, out: str | Path, *, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run a study from expression to report.

    Parameters
    ----------
    study
        What to do, see :class:`Study`.
    out
        Run folder. Steps that it already holds, made from the same inputs, are not done again.
    say
        Called with a few words as each step begins.

    Raises
    ------
    GenelightError
        If an input does not fit; a new folder is not made then, and an older one stays as it was.

    Notes
    -----
    Cost: folds + 1 trainings, one search of the network, and matched draws for every node.

    Examples
    --------
    >>> import genelight as gl
    >>> outcome = gl.study.run(gl.study.Study.demo(), "runs/demo")  # doctest: +SKIP
    """
    say("reading and checking")
    inputs = Inputs.read(study)
    steps = _Steps(inputs, Ledger(Path(out)), say)
    prepared = steps.prepare()
    held_out = steps.hold_out(prepared)
    model = steps.fit(prepared, held_out)
    nodes = steps.light_up(model)
    modules = steps.derive(model, held_out)
    found = steps.assess(nodes, modules)
    return steps.report([prepared, held_out, model, nodes, modules, found])


class _Steps:
    """One method per step: what it needs, what it leaves, and how; each returns a digest of what it left."""

    def __init__(self, inputs: Inputs, ledger: Ledger, say: Callable[[str], None]) -> None:
        self.inputs, self.ledger, self.say = inputs, ledger, say
        self.study, self.folder = inputs.study, ledger.folder
        self.layers = [f"L{i + 1}" for i in range(len(inputs.widths))]

    def prepare(self) -> str:
        def work() -> None:
            self.say("preparing")
            preparation = self.inputs.preparation
            preparation.save(self.folder / "02_prepare.json")
            columns = {"gene": preparation.genes.ids, "mean": preparation.mean_g, "sd": preparation.sd_g}
            write_plain(self.folder / "01_genes.tsv", pd.DataFrame(columns))

        inputs = [self.inputs.digest, self.inputs.preparation.digest]
        return self.ledger.step("prepare", inputs=inputs, outputs=["01_genes.tsv", "02_prepare.json"], work=work)

    def hold_out(self, prepared: str) -> str:
        settings = self.study.module

        def work() -> None:
            self.say("training and deriving without held-out subjects")
            held_out = tl.hold_out(
                self.inputs.adata,
                contrast=self.inputs.contrast,
                fits={"autoencoder": self.inputs.fit, BASELINE: self.inputs.fit_pca},
                methods=list(dict.fromkeys([settings.method, *CONTROLS, "random"])),
                folds=settings.folds,
                size=settings.size,
                seed=self.study.model.seed,
            )
            write_plain(self.folder / "05_held_out.tsv", _short(held_out.table))
            write_plain(self.folder / "05_scores.tsv", _short(held_out.scores))
            write_plain(self.folder / "05_r2_by_subject.tsv", held_out.r2_by_subject)

        inputs = [prepared, self._model_settings(), self._contrast(), settings.folds, settings.size, settings.method]
        outputs = ["05_held_out.tsv", "05_scores.tsv", "05_r2_by_subject.tsv"]
        return self.ledger.step("hold_out", inputs=inputs, outputs=outputs, work=work)

    def fit(self, prepared: str, held_out: str) -> str:
        def work() -> None:
            self.say("training on all samples, without labels")
            model = self.inputs.fit(self.inputs.adata)
            model.about["held_out"] = self._reconstruction()
            model.save(self.folder / "03_model")
            self.inputs.fit_pca(self.inputs.adata).save(self.folder / "03_pca")
            self.inputs.fit_ica(self.inputs.adata).save(self.folder / "03_ica")

        inputs = [prepared, held_out, self._model_settings()]
        return self.ledger.step("fit", inputs=inputs, outputs=["03_model", "03_pca", "03_ica"], work=work)

    def light_up(self, model: str) -> str:
        def work() -> None:
            self.say("lighting up every hidden node")
            for trained in self._models():
                for layer in trained.widths:
                    tl.light_up(trained, layer).save(self._node_file(layer))

        outputs = [self._node_file(layer).name for layer in [*self.layers, *BASELINE_LAYERS]]
        return self.ledger.step("light_up", inputs=[model], outputs=outputs, work=work)

    def derive(self, model: str, held_out: str) -> str:
        settings = self.study.module

        def work() -> None:
            self.say("deriving the disease module")
            trained, pca, _ = self._models()
            module = self._module(trained, settings.method, settings.layer)
            certain = self._certainty(trained, module)
            replace(module, about={**module.about, **certain}).save(self.folder / "05_module.tsv")
            # Two modules of one derivation differ by the model that they were read from.
            baseline = replace(self._module(pca, settings.method, None), method=BASELINE)
            for control in [baseline, *(self._module(trained, name, None) for name in CONTROLS)]:
                control.save(self.folder / f"05_module_{control.method}.tsv")
            write_plain(self.folder / "04_nodes.tsv", self._activity(trained, module))

        inputs = [model, held_out, self._contrast(), settings.model_dump(mode="json")]
        outputs = [*MODULES, "04_nodes.tsv"]
        return self.ledger.step("derive", inputs=inputs, outputs=outputs, work=work)

    def assess(self, nodes: str, modules: str) -> str:
        settings = self.study.tests

        def work() -> None:
            self.say("testing nodes and modules")
            lit = [NodeGenes.load(self._node_file(layer)) for layer in [*self.layers, *BASELINE_LAYERS]]
            genes = self.inputs.preparation.genes
            derived = [Module.load(self.folder / name, genes=genes) for name in MODULES]
            preparation = self.inputs.preparation
            log2_ng = preparation.transform(self.inputs.adata) * preparation.sd_g + preparation.mean_g
            evidence.assess(
                [*lit, *derived],
                network=self.inputs.network,
                sets=self.inputs.sets,
                n_top=settings.n_top,
                draws=settings.draws,
                x_ng=log2_ng,
                seed=self.study.model.seed,
            ).save(self.folder / "06_evidence.parquet")

        inputs = [nodes, modules, self.inputs.priors, settings.model_dump(mode="json"), self.study.model.seed]
        return self.ledger.step("assess", inputs=inputs, outputs=["06_evidence.parquet"], work=work)

    def report(self, made: Sequence[str]) -> Outcome:
        def work() -> None:
            self.say("writing the report")
            with writing(self.folder / "study.toml") as draft:
                draft.write_text(to_toml(_resolved(self.study, self.inputs)))
            report.report(self.folder)

        outputs = ["study.toml", "report.html", "report.json"]
        done = self.ledger.step(
            "report", inputs=[*made, self.study.model_dump(mode="json")], outputs=outputs, work=work
        )
        findings = tuple(read_json(self.folder / "report.json")["findings"])
        self._record(done)
        return Outcome(self.folder, self.folder / "report.html", findings)

    def _record(self, done: str) -> None:
        """Write run.json, the last file: a folder that has it is complete."""
        path = self.folder / "run.json"
        if path.is_file() and read_json(path).get("result") == done:
            return
        record = {
            "format": 1,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "versions": versions(),
            "seed": self.study.model.seed,
            "expression": self.inputs.digest,
            "priors": self.inputs.priors,
            "result": done,
        }
        write_json(path, record)

    def _models(self) -> list[Model]:
        return [models.load(self.folder / name) for name in ("03_model", "03_pca", "03_ica")]

    def _node_file(self, layer: str) -> Path:
        return self.folder / f"04_nodes_{layer}.parquet"

    def _model_settings(self) -> dict[str, Any]:
        return self.study.model.model_dump(mode="json") | {"widths": self.inputs.widths}

    def _contrast(self) -> str:
        contrast = self.inputs.contrast
        subjects = [str(s) for s in contrast.subject_n]
        return digest(contrast.case_n, contrast.control_n, subjects, contrast.name)

    def _module(self, model: Model, method: str, layer: str | None) -> Module:
        settings = self.study.module
        return tl.disease_module(
            self.inputs.adata,
            model,
            contrast=self.inputs.contrast,
            method=method,
            layer=layer,
            size=settings.size,
            bootstraps=settings.bootstraps,
            seed=self.study.model.seed,
        )

    def _certainty(self, model: Model, module: Module) -> dict[str, Any]:
        """Held-out AUC of this and the other derivations with intervals, p under shuffled labels, stable genes."""
        scores = pd.read_csv(self.folder / "05_scores.tsv", sep="\t")
        auc = tl.auc_interval(scores, seed=self.study.model.seed).set_index("method").to_dict("index")
        label = f"{module.method} {self.study.module.layer}" if self.study.module.layer else module.method
        shuffled = tl.permutation_test(
            self.inputs.adata,
            model,
            contrast=self.inputs.contrast,
            layer=self.study.module.layer,
            permutations=self.study.module.permutations,
            seed=self.study.model.seed,
        )
        return {
            "auc": auc[label]["auc"],
            "auc_interval": [auc[label]["low"], auc[label]["high"]],
            "auc_by_method": auc,
            "auc_permutation_p": shuffled.p,
            "permutations": self.study.module.permutations,
            "stable": int((module.table["selected"] & (module.table["frequency"] >= STABLE)).sum()),
        }

    def _activity(self, model: Model, module: Module) -> pd.DataFrame:
        table = tl.node_activity(self.inputs.adata, model, contrast=self.inputs.contrast)
        table["share"] = table["node"].map(dict(module.about.get("node_share", {})))
        lit = [NodeGenes.load(self._node_file(layer)) for layer in self.layers]
        ids = np.asarray(self.inputs.preparation.genes.ids, dtype=object)
        table["top_genes"] = [",".join(ids[top]) for nodes in lit for top in nodes.top_kn(5, sign=1)]
        return table

    def _reconstruction(self) -> dict[str, Any]:
        """Held-out R² of the model and of PCA of the same bottleneck, with intervals over subjects."""
        by_subject = pd.read_csv(self.folder / "05_r2_by_subject.tsv", sep="\t")
        table = tl.r2_interval(by_subject, seed=self.study.model.seed)
        figures = table.set_index(["model", "versus"])[["r2", "low", "high"]].T.to_dict("list")
        r2, *r2_interval = figures["autoencoder", ""]
        pca_r2, *pca_interval = figures[BASELINE, ""]
        difference, *difference_interval = figures["autoencoder", BASELINE]
        return {
            "r2": r2,
            "r2_interval": r2_interval,
            "pca_r2": pca_r2,
            "pca_r2_interval": pca_interval,
            "difference": difference,
            "difference_interval": difference_interval,
            "pca_width": min(self.inputs.widths),
            "subjects": int(by_subject["subject"].nunique()),
            "folds": self.study.module.folds,
        }


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """Method names as a reader says them: ``direction``, ``direction L2``, ``pca``, ``de``."""
    method = table["method"].str.replace(r"^\w+ pca$", BASELINE, regex=True)
    method = method.str.replace(" autoencoder.", " ", regex=False).str.replace(" autoencoder", "", regex=False)
    return table.assign(method=method)


def _resolved(study: Study, inputs: Inputs) -> Study:
    """The study with what was decided for the user written in."""
    network = study.network and study.network.model_copy(
        update={"name": inputs.network.name if inputs.network else None}
    )
    sets = [s.model_copy(update={"name": edges.name}) for s, edges in zip(study.sets, inputs.sets, strict=False)]
    model = study.model.model_copy(update={"widths": inputs.widths})
    contrast = study.contrast.model_copy(update={"name": inputs.contrast.name})
    return study.model_copy(update={"network": network, "sets": sets, "model": model, "contrast": contrast})

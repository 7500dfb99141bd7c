"""What every layer holds beside its controls, with a verdict on each claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ... import evidence, models
from ...nouns import Model
from .._features import Through
from .._readings import CONTROLS, expression, readings
from ._ensemble import FOLDER
from ._step import Bench, Step

__all__ = ["Scorecard"]


class Scorecard(Step):
    """The layers of every training of the model, and controls of the same widths, asked the same questions."""

    name = "scorecard"
    says = "asking every layer and its controls what they hold"
    after = ("fit", "light_up", "ensemble")

    def wanted(self, bench: Bench) -> bool:
        """Where the study has a section [scorecard]."""
        return bench.study.scorecard is not None

    def depends(self, bench: Bench) -> Sequence[object]:
        """Columns, network, sets and settings of the tests."""
        asked = bench.study.scorecard
        settings = [] if asked is None else [asked.model_dump(mode="json")]
        return [*settings, bench.inputs.priors, bench.study.tests.model_dump(mode="json"), bench.seed]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """One scorecard."""
        return ["07_scorecard.parquet"]

    def work(self, bench: Bench) -> None:
        """Read members where the study trained again, else the one model, which leaves every claim open."""
        asked, adata = bench.study.scorecard, bench.inputs.adata
        if asked is None:
            return
        trained = _trained(bench)
        samples = evidence.Samples(adata.obs, asked.labels, asked.batch, bench.study.data.subject)
        read = readings(adata, trained, controls=asked.controls or CONTROLS, lit=bench.lit, seed=bench.seed)
        through = bench.inputs.through
        evidence.scorecard(
            read if through is None else _over_genes(read, through),
            samples if asked.labels or asked.batch else None,
            network=bench.interactome,
            sets=bench.inputs.sets,
            x_ng=expression(trained[0], adata) if through is None else bench.known_ng(),
            n_top=bench.study.tests.n_top,
            draws=bench.study.tests.draws,
            seed=bench.seed,
        ).save(bench.folder / "07_scorecard.parquet")


def _over_genes(read: Sequence[evidence.Reading], through: Through) -> list[evidence.Reading]:
    """The same, carried to genes; a layer that stands at several depths stays one."""
    carried = {id(nodes): through.carry(nodes) for nodes in {id(r.nodes): r.nodes for r in read}.values()}
    return [replace(r, nodes=carried[id(r.nodes)]) for r in read]


def _trained(bench: Bench) -> list[Model]:
    folder = bench.folder / FOLDER
    if bench.study.model.seeds:
        return list(models.Ensemble.load(folder))
    return [models.load(bench.folder / "03_model")]

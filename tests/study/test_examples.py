"""The example studies are valid, and where their public files are at hand everything in them fits."""

from pathlib import Path

import pytest

from genelight.study import Study
from genelight.study._inputs import Inputs

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_study(path):
    assert Study.load(path).contrast.case


def test_the_lupus_example_drops_replicates_and_measures_known_genes():
    study = Study.load(next(path for path in EXAMPLES if path.stem == "lupus"))
    if not Path(study.data.expression).is_file():
        pytest.skip("the lupus cohort is not here; examples/README.md says where it comes from")
    inputs = Inputs.read(study)
    assert inputs.adata.n_obs == 972
    assert inputs.widths == (128, 64, 32)
    assert inputs.contrast.case_n.sum() == 924
    assert inputs.preparation.account["floor"] == pytest.approx(3.322, abs=1e-3)
    assert inputs.sets[-1].account["ids renamed"] == 2
    assert inputs.preparation.genes.align(inputs.sets[-1].table["target"]).found == 35

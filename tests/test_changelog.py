"""The changelog: what became of every public name of the first plan, and whether the names it gives are there."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import genelight as gl
import genelight.cli  # a room of commands, which the face does not load

from .test_house import ROOT

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
ROOMS = [name for name in gl.__all__ if inspect.ismodule(getattr(gl, name))]
# By room, the face without a name: all that stood in an ``__all__`` while nodes, modules and patients were one room.
OLD = {
    "": """
        Contrast Edges Evidence GenelightError Genes Model Module NodeGenes assess demo disease_module
        encode evidence fit io light_up load map_ids models pl pp prepare read report simulate study tl
    """,
    "demo": """
        cohort network sets
    """,
    "evidence": """
        COMBINATIONS MEASURES TESTS UNREACHABLE Interactome Reading Samples adjust assess betweenness camera
        coherence combine combine_evidence degree distances empirical_p genetic_association groups
        hypergeometric_tail localise loci match_bins novelty outside over_representation proximity rank_sum
        reference_profiles scorecard silhouette
    """,
    "io": """
        READERS Column Input Inspection Options Reader Store inspect is_store open_store pack read
        read_gene_lists read_gene_pvalues read_network read_perturbations read_sets
    """,
    "models": """
        ACTIVATIONS BASELINES EIGENGENES_LAYER ICA ICA_LAYER KINDS NMF NMF_LAYER PCA PCA_LAYER PRESETS
        STARTS Autoencoder Baseline Differentiable Eigengenes Ensemble Found Grid Preset Recipe Registered
        Steps Subspace Untrained again choose_widths fetch_model find_models find_rate find_subspace fit
        fit_eigengenes fit_ensemble fit_ica fit_nmf fit_pca fit_random fit_shallow load load_ensemble
        model_folder preset r2 read_registry squared_errors sweep
    """,
    "pl": """
        PALETTE calibration disease_map gene_sets held_out history layer_map layers method_label module
        module_network node node_genes nodes patients reproducibility save scorecard scores set_label
        short_name svg
    """,
    "pp": """
        BATCH_METHODS COLLAPSES NORMALISATIONS Adjust Adjustment IdMap IdTable Normalisation Preparation
        PreparedStore UserTable map_for map_ids map_where_needed prepare read_id_table
    """,
    "report": """
        render report summarise
    """,
    "simulate": """
        Compendium Nuisance Programmes cohort network sets
    """,
    "study": """
        CONTROLS Outcome Study expression readings run template write_atlas
    """,
    "tl": """
        ATTRIBUTIONS DERIVATIONS INTERFERON LEAST_COHORT LEVELS OBSERVED RESTS Atlas Changes Consensus
        Groups HeldOut ModuleAgreement ModuleNetwork NodeCard Permutation Preservation Protocol Scores
        Severity Stability Until agreement annotate atlas auc_interval check_measure compare_modules
        consensus contrast disease_module disease_modules drivers encode hold_out layer_map layer_modules
        light_up light_up_pairs match_nodes module_agreement module_network modules_of_scores node_activity
        node_card node_cards permutation_test preservation r2_interval rank_nodes reproducibility
        reproducible_nodes reversal score severity stability stratify top_genes trajectories
    """,
    "cli": """
        app main
    """,
}
NAMES = [f"{room}.{name}".lstrip(".") for room, names in OLD.items() for name in names.split()]
HEADING = "#### What became of each public name"


def fates() -> dict[str, str]:
    """What the table says became of each old name."""
    part = TEXT.split(HEADING)[1].split("\n#")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    found = [(name, fate) for names, fate in rows for name in re.findall(r"`([\w.]+)`", names)]
    assert len(found) == len(dict(found)), "a name stands in two rows"
    return dict(found)


FATES = fates()


def at(dotted: str) -> Any:
    """What a dotted name stands for, ``gl`` in front of it or not."""
    thing: Any = gl
    for part in filter(None, dotted.removeprefix("gl.").split(".")):
        thing = getattr(thing, part)
    return thing


def there(dotted: str) -> bool:
    try:
        at(dotted)
    except AttributeError:
        return False
    return True


def dotted_names(text: str) -> list[str]:
    """Names of rooms, and what is asked of them, in what a text has between backticks."""
    start = rf"(?<![\w./-])(?:gl\.)?(?:tl|{'|'.join(ROOMS)})(?:\.[A-Za-z_]\w*)+"
    return [name for code in re.findall(r"`([^`]+)`", text) for name in re.findall(start, code)]


def test_the_table_has_every_old_name_and_no_other():
    assert FATES.keys() == set(NAMES)


def shown(name: str) -> bool:
    """Whether a name stands on the face, or on that of its room."""
    room, _, short = name.rpartition(".")
    return not (room and not there(room)) and short in at(room).__all__


@pytest.mark.parametrize("name", NAMES)
def test_what_became_of_a_name_is_so(name):
    fate, short = FATES[name], name.rpartition(".")[2]
    into = re.fullmatch(r"the same in `(\w+)`", fate)
    assert shown(name) == (fate == "as it was" or fate.startswith("were fitted models"))
    assert not into or shown(f"{into[1]}.{short}")
    for new in dotted_names(fate):
        at(new)
        assert shown(".".join(new.split(".")[:2])), new
    assert "`" in fate or fate in ("as it was", "private") or fate.startswith("were fitted models")


def test_no_line_announces_a_name_that_is_not_there():
    said = TEXT.replace(TEXT.split(HEADING)[1].split("\n#")[0], "")
    gone = [name for line in said.splitlines() for name in dotted_names(line) if not there(name)]
    assert not gone

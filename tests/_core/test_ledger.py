"""The ledger of a run folder: what is done is not done again, what is altered is named, nothing outside is touched."""

import json

import pytest

from genelight._core.provenance import Ledger, altered_files, read_steps
from genelight.errors import FormatError, InputError


class Work:
    """Writes a file, and counts how often."""

    def __init__(self, folder, name="a.txt"):
        self.path, self.times = folder / name, 0

    def __call__(self):
        self.times += 1
        self.path.write_text(f"made {self.times}")


@pytest.fixture
def folder(tmp_path):
    with Ledger(tmp_path / "RUN").held():
        pass
    return tmp_path / "RUN"


def do(folder, work, *, inputs=("x",), name="fit"):
    return Ledger(folder).step(name, inputs=list(inputs), outputs=[work.path.name], work=work)


def test_a_step_is_done_again_only_when_inputs_or_files_changed(folder):
    work = Work(folder)
    first = do(folder, work)
    assert (do(folder, work), work.times) == (first, 1)
    assert do(folder, work, inputs=["y"]) != first
    assert work.times == 2
    work.path.write_text("by hand")
    do(folder, work, inputs=["y"])
    assert work.times == 3
    work.path.unlink()
    do(folder, work, inputs=["y"])
    assert work.times == 4


def test_a_step_that_fails_vouches_for_nothing(folder):
    work = Work(folder)
    do(folder, work)

    def fails():
        msg = "no"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="no"):
        Ledger(folder).step("fit", inputs=["y"], outputs=["a.txt"], work=fails)
    assert read_steps(folder)["fit"]["inputs"] == ""
    assert not altered_files(folder)
    do(folder, work)
    assert work.times == 2


def test_what_was_altered_or_is_missing_is_named_but_for_what_is_asked(folder):
    first, second = Work(folder), Work(folder, "b.txt")
    do(folder, first)
    do(folder, second, name="other")
    assert altered_files(folder) == {}
    first.path.write_text("by hand")
    second.path.unlink()
    assert altered_files(folder) == {"a.txt": "altered", "b.txt": "missing"}
    assert altered_files(folder, but=["a.txt"]) == {"b.txt": "missing"}


def test_files_made_again_elsewhere_are_noted_and_the_step_done_anew(folder):
    work = Work(folder)
    do(folder, work)
    work.path.write_text("again")
    Ledger(folder).renew("fit", ["a.txt"])
    assert not altered_files(folder)
    Ledger(folder).renew("never done", ["a.txt"])
    assert set(read_steps(folder)) == {"fit"}
    do(folder, work)
    assert work.times == 2


def test_a_step_that_is_dropped_leaves_no_file(folder):
    work, kept = Work(folder), Work(folder, "b.txt")
    do(folder, work)
    do(folder, kept, name="other")
    Ledger(folder).drop("fit")
    Ledger(folder).drop("never done")
    assert (work.path.exists(), kept.path.exists(), set(read_steps(folder))) == (False, True, {"other"})


@pytest.mark.parametrize("file", ["../outside.txt", "/outside.txt", "in/../../outside.txt"])
@pytest.mark.parametrize("step", [{"inputs": "x"}, {"outputs": {}}, 3, {"inputs": 1, "outputs": {}}, None])
def test_a_note_of_another_form_or_of_files_outside_is_refused(folder, file, step):
    (folder.parent / "outside.txt").write_text("not ours")
    (folder / "steps.json").write_text(json.dumps({"fit": step or {"inputs": "x", "outputs": {file: "0"}}}))
    for look in (read_steps, altered_files, Ledger):
        with pytest.raises(FormatError, match="is no ledger of a run"):
            look(folder)
    (folder / "steps.json").write_text(json.dumps([1]))
    with pytest.raises(FormatError, match="is no ledger of a run"):
        read_steps(folder)
    assert (folder.parent / "outside.txt").read_text() == "not ours"


def test_a_folder_of_other_things_is_no_run_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no run folder"):
        Ledger(tmp_path)
    assert altered_files(tmp_path) == {}

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from genelight._core.provenance import digest, file_digest, read_json, versions, write_json, writing
from genelight.errors import FormatError, ResourceError


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "result.tsv"
    path.write_text("old")

    def fail() -> None:
        with writing(path) as draft:
            draft.write_text("half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert files(tmp_path) == ["result.tsv"]
    assert path.read_text() == "old"


def test_a_full_disk_is_a_resource_error_and_leaves_nothing(tmp_path):
    path = tmp_path / "deep" / "result.tsv"
    with pytest.raises(ResourceError, match=r"cannot write .*result\.tsv: No space left on device"), writing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert files(path.parent) == []


def test_a_folder_that_is_a_file_is_a_resource_error(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ResourceError, match="choose another --out"), writing(tmp_path / "runs" / "x.json"):
        pass


def test_a_written_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "plain").write_text("")
    write_json(tmp_path / "ours", {})
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_json_round_trip_with_numpy_values_and_paths(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"n": np.int64(3), "r2": np.float32(0.5), "h": np.arange(2), "out": Path("runs"), "µ": None})
    assert read_json(path) == {"n": 3, "r2": 0.5, "h": [0, 1], "out": "runs", "µ": None}


@pytest.mark.parametrize(("value", "error"), [(object(), TypeError), (float("nan"), ValueError)])
def test_what_json_cannot_hold_is_not_half_written(tmp_path, value, error):
    with pytest.raises(error):
        write_json(tmp_path / "x.json", {"a": value})
    assert files(tmp_path) == []


@pytest.mark.parametrize(("content", "said"), [(None, "is missing"), (b'{"a":\n 1,}', "line 2"), (b"\xff", "JSON")])
def test_unreadable_json_is_named(tmp_path, content, said):
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FormatError, match=rf"run\.json.*{said}"):
        read_json(path)


def test_digests_tell_content_type_and_shape_apart(tmp_path):
    x = np.arange(6)
    different = [(x,), (x.reshape(2, 3),), (x.astype(float),), (x, 1), (x, "1"), ({"a": 1},), ({"a": 2},), (b"a",)]
    assert len({digest(*parts) for parts in different}) == len(different)
    assert digest(x[::-1].copy()) == digest(x[::-1])
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    (tmp_path / "f").write_bytes(b"a")
    assert file_digest(tmp_path / "f") == "ca978112ca1bbdca"


def test_versions_are_plain_text():
    found = versions()
    assert found["python"].startswith("3.")
    assert "not installed" not in found.values()
    json.dumps(found)

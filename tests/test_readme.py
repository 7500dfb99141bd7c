"""What the front page tells people to type runs."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_the_ten_lines_of_python_run(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    made: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), made)
    assert "GBP1" in capsys.readouterr().out
    assert made["adata"].obsm["X_L3"].shape == (252, 16)

"""The page on other data: what it shows runs, from top to bottom."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "other_data.md"


def test_the_page_runs_as_it_is_written(capsys):
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "cpg M value"
    assert "so not at random" in said[1]
    assert said[2:] == ["True", "(8, 120) {'L1': 16, 'L2': 4, 'L3': 16}", "uniprot"]

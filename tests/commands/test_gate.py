"""`bench gate`: errors in one line, no torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import main


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gate"], "nothing to compare with"),
        (["gate", "main"], "no method"),
        (["gate", "no-such-revision", "--method", "metastyle"], "no-such-revision is no folder"),
        (["gate", "a", "--method", "m", "--option", "n.x=1"], "n takes no part"),
        (["gate", "--baseline", "none.json"], "none.json cannot be read"),
        (["gate", "--baseline", "file.json"], "file.json is no baseline"),
        (["gate", "--baseline", "file.json", "--method", "m"], "leave out --method"),
    ],
)
def test_what_is_wrong_is_one_line_and_not_status_1(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    Path("file.json").write_text("{}")
    assert main(words) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_the_gate_imports_no_torch():
    code = "import sys; from bench.compare import baseline, gate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

"""Preferences of the blind test on the page."""

import json

from helpers.painted import Reader, write


def test_votes_are_beside_the_metrics(painted, tmp_path):
    run = painted(("fast", "slow"))
    assert "Blind test" not in write(tmp_path / "out", run)
    vote = {
        "schema": 1, "time": "", "voter": "", "style": "a", "content": "x", "size": 64,
        "left": "fast", "right": "slow", "choice": "left", "seconds": 1.0,
    }  # fmt: skip
    lines = [json.dumps({**vote, "id": str(number)}) for number in range(4)]
    (run / "votes.jsonl").write_text("\n".join(lines) + "\n")
    texts = Reader(write(tmp_path / "out", run)).texts
    assert "Blind test" in texts
    assert "1.10" in texts  # log(4.5 / 0.5) / 2
    assert "-1.10" in texts

"""The answer in words: the choice, its cost and the commands."""

from __future__ import annotations

from helpers.chosen import said

from bench.report import choice, need


def test_the_text_has_the_choice_its_cost_and_the_commands(group):
    text = said(choice.answer(group(), need.Need(styles=2, pictures=1000)))
    assert "1,000 pictures of 64 px in 2 new styles" in text
    assert "Take good: 16 s in all (2 × 3 s and 1,000 × 10 ms)" in text
    assert "Next best slow: 1 min 30 s more" in text
    assert "quality is of 2 styles; which is few" in text
    assert "bench adapt --method good --style STYLE.jpg -o style.safetensors" in text
    assert max(map(len, text.splitlines())) <= 100

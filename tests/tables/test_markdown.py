"""Tables as Markdown: what is special there is text, the best values are bold."""

from bench.tables.markdown import bold, github
from bench.tables.model import BEST, Cell, Section, Table


def test_a_section():
    lines = [[Cell("a|<b>"), Cell("1.0", ("0.9", "1.1"), " [1]", best=True)]]
    table = Table("Times_", [["method"], ["core", "ms"]], lines, [False], 1, notes=["[1] noisy"])
    text = github([Section(["run *x*"], [table], ["~"])], ["lost"])
    assert text.startswith("### run \\*x\\*\n\n**Times\\_**\n\n| method")
    assert "core ms" in text
    assert r"| a\|&lt;b&gt; |" in text
    assert "**1.0** [0.9, 1.1] [1] |" in text
    assert text.endswith("- \\[1\\] noisy\n- \\~\n\nWarning: lost\n")


def test_the_best_are_bold_and_need_no_mark():
    assert bold([BEST, "* another"]) == [BEST.replace("*", "bold:", 1), "* another"]

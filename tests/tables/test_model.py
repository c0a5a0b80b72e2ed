"""Cells, marks and footnotes."""

from bench.tables.model import Cell, Marks, Section, Table, plain


def test_equal_notes_share_a_number_and_long_runs_are_short():
    marks, used = Marks(), []
    assert marks.of(["a", "b"], used) == " [1,2]"
    assert marks.of(["b", "c", "d", "a"], used) == " [1–4]"
    assert marks.of([], used) == ""
    assert used == ["[1] a", "[2] b", "[2] b", "[3] c", "[4] d", "[1] a"]


def test_notes_come_once_symbols_first_then_by_number():
    tables = [
        Table("t", [], [], [], 0, notes=notes) for notes in (["[10] j", "‡ g"], ["[2] b", "‡ g"])
    ]
    tables[0].notes.append("* best")
    section = Section([], tables, ["without a mark"])
    assert section.all_notes() == ["* best", "‡ g", "[2] b", "[10] j", "without a mark"]


def test_a_cell_as_plain_text():
    assert plain(Cell("1.2", None, " [1]", best=True)) == ["*1.2 [1]"]
    assert plain(Cell("1.2", ("1.1", "1.3"))) == ["1.2", "1.1–1.3"]
    assert plain(Cell("0", ("-1", "1"))) == ["0", "-1 to 1"]  # a dash and a minus are one too many

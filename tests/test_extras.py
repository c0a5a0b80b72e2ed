"""A library of an optional extra: it is there, or one line says how it comes."""

import math

import pytest

from bench.errors import NeedError
from bench.extras import extra


def test_what_is_there_is_given():
    assert extra("math", "parquet", "somebody") is math


def test_what_is_not_there_names_the_extra_and_who_needs_it():
    with pytest.raises(NeedError) as error:
        extra("no_such_library.part", "video", "reading a clip")
    assert str(error.value) == (
        "reading a clip needs no_such_library.part: pip install 'metastyle-bench[video]'"
    )


def test_what_a_library_itself_lacks_is_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        extra("broken_library", "video", "reading a clip")

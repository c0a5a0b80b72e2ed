"""A record's file is called by what it is of, whatever that is called."""

import re

from bench import results

HOSTILE = [
    "a/b", "a\\b", "..", ".", "", " ", "a b", "a-b", "a_b", "a__b", "A-b", "a-B", "~a", "a~b",
    "con", "con.txt", "nul", "naïve", "星空", "👩‍🎨", "x" * 300, "x" * 301, "a\nb", "a\0b", "-rf",
    ".hidden", "a:b", "a*b?", "\u202egnp", "\udcff", "a", "A", "b", "vangogh.jpg",
]  # fmt: skip


def test_keys_of_plain_names_are_the_names():
    assert results.key("metastyle", "starry_night.jpg", 256) == "metastyle__starry_night.jpg__256"


def test_keys_of_hostile_names_are_safe_unique_and_short():
    keys = [results.key(name) for name in HOSTILE]
    assert len({key.casefold() for key in keys}) == len(HOSTILE)
    for key in keys:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._~-]*", key)
        assert len(key) <= 60
        assert not key.endswith(".")


def test_a_slug_keeps_a_hostile_name_readable():
    assert re.fullmatch(r"starry-night-final~[0-9a-f]{10}", results.key("../Starry Night (final)"))


def test_where_one_part_ends_matters():
    assert results.key("a__b", "c") != results.key("a", "b__c")
    assert results.key("a", "b") != results.key("a__b")

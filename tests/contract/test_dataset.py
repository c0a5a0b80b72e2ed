"""A dataset's fingerprint sees what is in its pictures."""

import re
from dataclasses import replace

import pytest

from bench import Dataset, Picture


class Two(Dataset):
    name = "two"
    content = (Picture("a", lambda: None, fingerprint="1"), Picture("b", lambda: None))
    style = (Picture("s", lambda: None, fingerprint="2"),)
    photographs = ()

    def contents(self):
        return self.content

    def styles(self):
        return self.style

    def adaptation(self):
        return self.photographs


def test_a_datasets_fingerprint_is_short_hex_and_stable():
    assert re.fullmatch(r"[0-9a-f]{16}", Two().fingerprint())
    assert Two().fingerprint() == Two().fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"content": (replace(Two.content[0], fingerprint="9"), Two.content[1])},  # bytes
        {"content": (replace(Two.content[0], name="z"), Two.content[1])},
        {"content": Two.content[::-1]},
        {"content": Two.content[:1]},
        {"content": Two.content + Two.style, "style": ()},  # another role
        {"photographs": Two.content[:1]},
    ],
)
def test_a_datasets_fingerprint_sees_bytes_names_order_and_roles(change):
    other = type("Other", (Two,), change)
    assert other().fingerprint() != Two().fingerprint()


def test_a_datasets_fingerprint_ignores_where_pictures_lie(tmp_path):
    moved = tuple(replace(p, path=tmp_path / p.name, title="moved") for p in Two.content)
    assert type("Moved", (Two,), {"content": moved})().fingerprint() == Two().fingerprint()

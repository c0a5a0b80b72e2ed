"""The contact sheet of a page: a few pairs of content and style, and what the methods made of them.

It is plain HTML and needs no script; each picture leads to the viewer, where one works.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from typing import Any

MOST = 3
"""Pairs that are shown: the gallery has all of them."""


def strips_of(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The strips of a gallery's view: each of its first styles with a content of its own.

    A strip has `content` and `style`, and `tiles` with `label`, `role`, `picture` (its name, or
    None) and `address`, that of the pair in the viewer; anchors are left out.
    """
    styles = list(enumerate(view["styles"]))[:MOST]
    contents = list(islice(cycle(enumerate(view["contents"])), len(styles)))
    return [
        {
            "content": content["name"],
            "style": style["name"],
            "tiles": list(_tiles(view, style_at, content_at)),
        }
        for (style_at, style), (content_at, content) in zip(styles, contents, strict=True)
    ]


def _tiles(view: Mapping[str, Any], style: int, content: int) -> Iterator[dict[str, Any]]:
    first = next((n for n, method in enumerate(view["methods"]) if not method["anchor"]), 0)
    for role, at in (("content", content), ("style", style)):
        given = view[f"{role}s"][at]
        address = f"#pair-0-{style}-{content}-{role}-{first}"
        yield {"label": role, "role": role, "picture": given["picture"], "address": address}
    for number, method in enumerate(view["methods"]):
        cell = method["cells"][style]
        if not method["anchor"]:
            yield {
                "label": method["label"],
                "role": "method",
                "picture": cell["pictures"][content] if cell else None,
                "address": f"#pair-0-{style}-{content}-content-{number}",
            }

"""The two methods that every run has to compare with: the content and the style, unchanged."""

from __future__ import annotations

from collections.abc import Mapping

IDENTITY = "identity"
STYLE_COPY = "style-copy"
ANCHORS = (IDENTITY, STYLE_COPY)

TO_BEAT: Mapping[str, str] = {"style": IDENTITY, "content": STYLE_COPY}
"""A judge's axis to the anchor that a style transfer has to be better than on it."""

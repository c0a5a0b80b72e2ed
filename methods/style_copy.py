"""The style picture instead of the content: the upper anchor of every quality table."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bench.contract import Method
from bench.crops import resize
from bench.hooks import hookimpl


class StyleCopy(Method):
    """Return the style picture itself: near perfect on style, and blind to the content.

    A method whose content distance is not below this row's has kept nothing of the content.
    The picture is scaled until it covers the content, and its middle is cropped, so that
    strokes keep their proportions.
    """

    name = "style-copy"
    family = "anchor"
    citation = "Anchor of this suite: the style picture itself"

    def adapt(self, style: Tensor) -> None:
        """Keep a copy of the style (1, 3, H, W)."""
        self.style = style.clone()

    def stylize(self, content: Tensor) -> Tensor:
        """The style in the shape of the contents (N, 3, H, W), once per content."""
        height, width = content.shape[2:]
        scale = max(height / self.style.shape[2], width / self.style.shape[3])
        tall, wide = (round(side * scale) for side in self.style.shape[2:])
        top, left = (tall - height) // 2, (wide - width) // 2
        covering = resize(self.style, tall, wide)
        crop = covering[..., top : top + height, left : left + width]
        return crop.expand(content.shape).clone()


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The style-copy anchor."""
    return [StyleCopy]

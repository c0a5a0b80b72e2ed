"""Bilinear algorithms for convolutions: fewer multiplications for the same outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Algorithm:
    """A bilinear algorithm for a convolution by a kernel of three, in one dimension.

    A tile of inputs d and the kernel g give the outputs `output` ((`kernel` g) * (`input` d)),
    products point by point; in two dimensions each matrix is applied on both sides.

    Attributes:
        input, kernel, output: the matrices.
        step: from a tile's first input to the next tile's; the first tile begins at -1.
        scale: outputs per input.
        reflect: how the picture goes on beyond its edge: reflected, or repeated.
    """

    input: Matrix
    kernel: Matrix
    output: Matrix
    step: int
    scale: float
    reflect: bool


# F(4, 3) of Lavin and Gray (Fast Algorithms for Convolutional Neural Networks, CVPR 2016,
# section 4.3): 6 products for 4 outputs instead of 12.
SAME = Algorithm(
    input=(
        (4, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1),
    ),
    kernel=(
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
    output=(
        (1, 1, 1, 1, 1, 0),
        (0, 1, -1, 2, -2, 0),
        (0, 1, 1, 4, 4, 0),
        (0, 1, -1, 8, -8, 1),
    ),
    step=4,
    scale=1,
    reflect=True,
)

# Four of a picture's pixels to the six around the seam of its bilinear upsampling by two.
BILINEAR = np.array(
    ((3, 1, 0, 0), (1, 3, 0, 0), (0, 3, 1, 0), (0, 1, 3, 0), (0, 0, 3, 1), (0, 0, 1, 3))
)

ALGORITHMS = {
    "same": SAME,
    # After bilinear upsampling by two: of four small pixels the six between and beside them, by
    # the algorithm above. Its inputs are combinations of the small ones anyhow.
    "smooth": replace(
        SAME, input=(np.array(SAME.input) @ BILINEAR / 4).tolist(), step=2, scale=2, reflect=False
    ),
    # Stride 2. Inputs 0, 2, 4 meet g0 and g2: F(2, 2), 3 products; inputs 1, 3 meet g1. Together
    # 5 products for 2 outputs instead of 6.
    "down": Algorithm(
        input=(
            (1, 0, -1, 0, 0),
            (0, 1, 0, 0, 0),
            (0, 0, 1, 0, 0),
            (0, 0, 0, 1, 0),
            (0, 0, -1, 0, 1),
        ),
        kernel=((1, 0, 0), (0, 1, 0), (1, 0, 1), (0, 1, 0), (0, 0, 1)),
        output=((1, 1, 1, 0, 0), (0, 0, 1, 1, 1)),
        step=4,
        scale=1 / 2,
        reflect=True,
    ),
    # After upsampling by two. Even outputs are small inputs by (g0, g1 + g2), odd ones by
    # (g0 + g1, g2): F(3, 2) for each, 8 products for 6 outputs instead of 18.
    "up": Algorithm(
        input=(
            (1, 0, -1, 0, 0),
            (0, 1, 1, 0, 0),
            (0, -1, 1, 0, 0),
            (0, -1, 0, 1, 0),
            (0, 1, 0, -1, 0),
            (0, 0, 1, 1, 0),
            (0, 0, -1, 1, 0),
            (0, 0, -1, 0, 1),
        ),
        kernel=(
            (1, 0, 0),
            (1 / 2, 1 / 2, 1 / 2),
            (1 / 2, -1 / 2, -1 / 2),
            (0, 1, 1),
            (1, 1, 0),
            (1 / 2, 1 / 2, 1 / 2),
            (1 / 2, 1 / 2, -1 / 2),
            (0, 0, 1),
        ),
        output=(
            (1, 1, 1, 0, 0, 0, 0, 0),
            (0, 0, 0, 0, 1, 1, 1, 0),
            (0, 1, -1, 0, 0, 0, 0, 0),
            (0, 0, 0, 0, 0, 1, -1, 0),
            (0, 1, 1, 1, 0, 0, 0, 0),
            (0, 0, 0, 0, 0, 1, 1, 1),
        ),
        step=3,
        scale=2,
        reflect=False,
    ),
}

# F(3, 3): 5 products for 3 outputs instead of 9. The kernels of nine are three of these in a
# column, three rows apart, whose products are added before they become outputs.
TALL = Algorithm(
    input=(
        (2, -1, -2, 1, 0),
        (0, -2, -1, 1, 0),
        (0, 2, -3, 1, 0),
        (0, -1, 0, 1, 0),
        (0, 2, -1, -2, 1),
    ),
    kernel=(
        (1 / 2, 0, 0),
        (-1 / 2, -1 / 2, -1 / 2),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 6, 1 / 3, 2 / 3),
        (0, 0, 1),
    ),
    output=((1, 1, 1, 1, 0), (0, 1, -1, 2, 0), (0, 1, 1, 4, 1)),
    step=3,
    scale=1,
    reflect=True,
)

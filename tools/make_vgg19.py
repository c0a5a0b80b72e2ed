"""Make the shipped files of `vgg19-quarter` and `vgg19-head` from their sources, in half precision.

    python tools/make_vgg19.py SOURCE.safetensors -o bench/weights/vgg19-quarter.safetensors

The sources are safetensors with `convB_P.weight` (outputs, inputs, 3, 3) and `convB_P.bias`:

- `vgg19-quarter`: the encoder `wct_se_16x_new` of the repository Collaborative-Distillation
  (MingSun-Tse), whose first layer, a 1×1 convolution that brings RGB to BGR minus the mean, was
  multiplied into conv1_1;
- `vgg19-head`: conv1_1 to conv3_4 of ImageNet's VGG19, kernels for RGB in 0-255 minus the mean.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.weights import read, sha256, write


def main() -> None:
    """Write the file and say what its SHA-256 is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="safetensors in float32")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the file to ship")
    args = parser.parse_args()
    write(args.out, dict(sorted(read(args.source).items())))
    sys.stdout.write(f"{args.out}: {args.out.stat().st_size} bytes, SHA-256 {sha256(args.out)}\n")


if __name__ == "__main__":
    main()

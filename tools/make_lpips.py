"""Make the weights of LPIPS, ST-LPIPS and DISTS in `bench/weights` from those of PyPI packages.

    pip download --no-deps lpips==0.1.4 stlpips-pytorch==0.0.2 DISTS-pytorch==0.1
    unzip each wheel
    python tools/make_lpips.py --lpips lpips/weights/v0.1 \
        --stlpips stlpips_pytorch/weights/vST0.0 --dists DISTS_pytorch

The shift-tolerant AlexNet goes in half precision, with its calibration; the filters that blur,
which are no learned numbers, are left out. LPIPS's and DISTS' calibrations stay as they are: the
numbers of papers come from them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from bench.weights import sha256, write


def main() -> None:
    """Write the files and say what their SHA-256 is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lpips", type=Path, required=True, help="folder of alex.pth and vgg.pth")
    parser.add_argument("--stlpips", type=Path, required=True, help="of alex_shift_tolerant.pth")
    parser.add_argument("--dists", type=Path, required=True, help="of weights.pt")
    parser.add_argument("--out", type=Path, default=Path("bench/weights"))
    args = parser.parse_args()

    file = args.out / "st-alexnet.safetensors"
    state = torch.load(
        args.stlpips / "alex_shift_tolerant.pth", map_location="cpu", weights_only=True
    )
    kept = {
        key: value
        for key, value in state.items()
        if key.startswith(("net.", "lin")) and not key.endswith(".filt")
    }
    write(file, kept)
    files = [file]
    calibrations = {
        "lpips-alex": args.lpips / "alex.pth",
        "lpips-vgg": args.lpips / "vgg.pth",
        "dists": args.dists / "weights.pt",
    }
    for name, path in calibrations.items():
        file = args.out / f"{name}.safetensors"
        calibration = torch.load(path, map_location="cpu", weights_only=True)
        save_file({key: value.contiguous() for key, value in calibration.items()}, file)
        file.chmod(0o644)
        files.append(file)
    for file in files:
        print(f"{file}: {file.stat().st_size} bytes, SHA-256 {sha256(file)}")


if __name__ == "__main__":
    main()

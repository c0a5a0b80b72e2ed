"""A wheel as its users meet it: installed into a fresh environment, its main job run elsewhere.

    python tools/try_wheel.py dist/

Installs the wheel with all that it requires, checks that nothing is missing or at odds (pip check),
and runs bench run --method metastyle, by default at the profile smoke, from an empty folder. What
the run has made is counted. `tox -e release` does this to what is about to be published.
A wheel may be named itself; of a folder the only one is taken.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path


def try_wheel(wheel: Path, profile: str) -> None:
    """Install the wheel and run its main job.

    Raises:
        subprocess.CalledProcessError: a step fails; its output has been shown.
        SystemExit: the run has left no picture.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "env", with_pip=True)
        programs = place / "env" / ("Scripts" if os.name == "nt" else "bin")
        elsewhere = place / "elsewhere"
        elsewhere.mkdir()
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

        def run(*words: str) -> None:
            print("$", *words, flush=True)
            begun = time.monotonic()
            subprocess.run([programs / words[0], *words[1:]], cwd=elsewhere, env=clean, check=True)
            print(f"  {time.monotonic() - begun:.0f} s", flush=True)

        run("python", "-m", "pip", "install", "--quiet", str(wheel.absolute()))
        run("python", "-m", "pip", "check")
        run("bench", "run", "--method", "metastyle", "--profile", profile, "--quiet")
        run("bench", "report", "--format", "github")
        pictures = list(elsewhere.glob("runs/*/images/**/*.png"))
        size = sum(f.stat().st_size for f in (place / "env").rglob("*") if f.is_file()) / 1e9
        print(f"{len(pictures)} pictures; the environment has {size:.1f} GB")
        if not pictures:
            sys.exit("the run has left no picture")


def main(arguments: Sequence[str] | None = None) -> None:
    """Try the wheel that the arguments name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--profile", default="smoke", help="of bench run (smoke)")
    args = parser.parse_args(arguments)
    wheels = list(args.wheel.glob("*.whl")) if args.wheel.is_dir() else [args.wheel]
    if len(wheels) != 1 or not wheels[0].is_file():
        parser.error(f"{args.wheel}: name a wheel, or a folder that holds one")
    try:
        try_wheel(wheels[0], args.profile)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))}: status {error.returncode}")


if __name__ == "__main__":
    main()

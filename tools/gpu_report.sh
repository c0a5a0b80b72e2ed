#!/usr/bin/env bash
# Everything that is to be measured on a GPU, by one command, on a machine with nothing but this
# folder, torch and torchvision; see tools/gpu_report.py. Packages that are missing are taken from
# the folder wheels/ beside tools/, if it is there; no network is used.
#
#   tools/gpu_report.sh --out results/                   the first half: about half an hour
#   tools/gpu_report.sh --out results/ --minutes 9.5     a part of it; again for the next part
#   tools/gpu_report.sh --device cpu --smoke             all of it in little, anywhere
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
exec "${PYTHON:-python3}" "$root/tools/gpu_report.py" "$@"

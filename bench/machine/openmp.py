"""OpenMP's variables. No torch here: it reads them when it is imported."""

from __future__ import annotations

import os
import sys

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
POLICY = "OMP_WAIT_POLICY"
_OTHERS = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # with which a user says the same more exactly


def wait_passively() -> None:
    """Have threads sleep while they wait, unless the user has said how they are to wait.

    By default they spin, which keeps from the core whoever they wait for: beside two other busy
    processes a step by two threads took ten times as long. To be called before torch is imported;
    later there is nothing left to do.
    """
    if "torch" not in sys.modules and not any(name in os.environ for name in (POLICY, *_OTHERS)):
        os.environ[POLICY] = "PASSIVE"

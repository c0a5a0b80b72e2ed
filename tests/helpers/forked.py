"""Commands as processes that can be killed: forked from this one, which has imported everything.

They do what `bench` does, without the seconds that its imports take, so that there can be hundreds.
"""

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from PIL import Image

from bench.cli import main
from bench.weights import read


class Command:
    """A command under way, in a process group of its own; what it prints goes into two files."""

    def __init__(self, *words, out="out.txt", err="err.txt"):
        self._err = err
        self._status = None
        self.pid = os.fork()
        if not self.pid:
            _be(words, out, err)

    def status(self):
        """None while it works; then its exit status, the signal's number below zero."""
        if self._status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def wait(self, seconds=300):
        """Its exit status, when it has ended."""
        end = time.monotonic() + seconds
        while self.status() is None:
            if time.monotonic() > end:
                self._kill()
                raise TimeoutError(f"it takes more than {seconds} s")
            time.sleep(0.01)
        return self._status

    def kill_after(self, seconds):
        """SIGKILL it, and whatever it has started, after some time; whether it was still there."""
        end = time.monotonic() + seconds
        while self.status() is None and time.monotonic() < end:
            time.sleep(0.001)
        if self.status() is not None:
            return False
        self._kill()
        return self.wait() == -signal.SIGKILL

    def _kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has no group yet
            os.kill(self.pid, signal.SIGKILL)

    def said(self):
        """What it has written to standard error."""
        return Path(self._err).read_text()


def _be(words, out, err):
    status = 70
    try:
        os.setsid()
        for number, name in ((1, out), (2, err)):
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            os.dup2(file, number)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main(list(words))
        sys.stdout.flush()
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def bench(*words):
    """A command's exit status and what it said, which is no traceback."""
    command = Command(*words)
    status, said = command.wait(), command.said()
    assert "Traceback" not in said, said
    return status, said


def half_files(folder):
    """Files that are there but cannot be read, but for those whose names say they are unfinished.

    Returns:
        Their paths, and how many unfinished ones there are.
    """
    half, unfinished = [], 0
    for path in Path(folder).rglob("*"):
        if path.name.startswith(".") or any(part.startswith(".") for part in path.parts):
            unfinished += path.is_file() and ".part" in str(path)
            continue
        try:
            if path.suffix == ".json":
                json.loads(path.read_text())
            elif path.suffix in (".png", ".gif"):
                with Image.open(path) as picture:
                    for frame in range(getattr(picture, "n_frames", 1)):
                        picture.seek(frame)
                        picture.load()
            elif path.suffix == ".safetensors":
                read(path)
            elif path.suffix == ".state":
                torch.load(path, weights_only=True)
        except Exception as error:
            half.append((path, error))
    return half, unfinished

import json
import platform
import subprocess
import sys

import pytest

from bench.machine import allocator

FAULTS = """
import json, resource, torch
from bench.machine import allocator
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16, 2**20).sum()  # 64 MB: more than glibc keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def least():  # a small block in the midst of a large one may make the heap grow once more
    return min(faults() for _ in range(10))
print(json.dumps([least(), allocator.keep_freed_memory(), least()]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_freed_memory_is_taken_again():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True)
    without, does, kept = json.loads(done.stdout)
    assert does
    assert without > 50  # pages may be huge ones
    assert kept < without / 10


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(allocator.ctypes, "CDLL", None)
    monkeypatch.setattr(allocator, "keeping", False)
    assert not allocator.keep_freed_memory()
    assert not allocator.keeps_freed_memory()

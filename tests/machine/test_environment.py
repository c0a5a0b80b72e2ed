import hashlib
import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.contract import Precision
from bench.machine import allocator, environment, processor, threads
from bench.machine.environment import capture
from bench.plugins.provenance import source_sha256
from bench.results import Environment
from bench.results.environment import FINGERPRINT_KEYS, describe, fingerprint

PRECISION = Precision("bfloat16", True, "probe: 1 ms")


@pytest.fixture(scope="module")
def captured():
    return capture(torch.device("cpu"), PRECISION, 1)


def test_capture_is_json_and_says_what_torch_says(captured):
    assert json.loads(json.dumps(captured)) == captured
    assert captured["torch"] == torch.__version__
    assert captured["threads"] == torch.get_num_threads()
    assert captured["threads_asked"] == 1
    assert captured["threads_reason"] == threads.reason()
    assert captured["python"] == ".".join(map(str, sys.version_info[:3]))
    assert captured["device"] == captured["device_type"] == "cpu"
    assert captured["device_name"] == captured["cpu"] != ""
    assert captured["precision"] == "bfloat16/channels_last"
    assert captured["precision_reason"] == "probe: 1 ms"
    assert captured["memory_format"] == "channels_last"
    assert captured["driver"] is None
    assert 1 <= captured["cores_available"] <= captured["cores_logical"]


def test_what_tunes_the_machine_is_part_of_the_fingerprint(monkeypatch):
    prints = []
    for kept in (False, True):
        monkeypatch.setattr(allocator, "keeping", kept)
        monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        tuning = capture(torch.device("cpu"), PRECISION)["tuning"]
        assert tuning["OMP_WAIT_POLICY"] == "PASSIVE"
        assert ("freed memory" in tuning) == kept
        prints.append(fingerprint({"tuning": tuning}))
    assert prints[0] != prints[1]


def test_every_fingerprint_key_is_captured(captured):
    assert set(FINGERPRINT_KEYS) <= set(captured)


@pytest.mark.parametrize(("key", "value"), [("threads", 99), ("device_name", "x"), ("torch", "1")])
def test_fingerprint_changes_with_what_changes_timings(captured, key, value):
    assert fingerprint({**captured, key: value}) != fingerprint(captured)


@pytest.mark.parametrize(
    "key", ["load_average", "commit", "dirty", "precision_reason", "kernel", "device"]
)
def test_fingerprint_ignores_what_does_not(captured, key):
    assert fingerprint({**captured, key: "other"}) == fingerprint(captured)


def test_fingerprint_survives_storage_in_another_order(captured):
    stored = json.loads(json.dumps(dict(reversed(captured.items()))))
    assert fingerprint(stored) == fingerprint(captured)


def test_describe_a_cpu_in_one_line():
    facts = {
        "fingerprint": "f1", "device_type": "cpu",
        "device_name": "Fast CPU", "cores_available": 8, "threads": 4,
        "cuda": "13.2", "driver": None, "precision": "float32/contiguous", "torch": "2.9.0",
        "python": "3.12.1", "os": "Linux x86_64",
    }  # fmt: skip
    assert describe(Environment.of(facts)) == (
        "Fast CPU · 8 cores, 4 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1"
        " · Linux x86_64"
    )


def test_describe_a_gpu_in_one_line():
    facts = {
        "fingerprint": "f1", "device_type": "cuda",
        "device_name": "NVIDIA H100", "cores_available": 8, "threads": 4,
        "cuda": "13.2", "driver": "580.1", "precision": "bfloat16/channels_last",
        "torch": "2.9.0", "python": "3.12.1", "os": "Linux x86_64",
    }  # fmt: skip
    assert describe(Environment.of(facts)) == (
        "NVIDIA H100 · CUDA 13.2 · driver 580.1 · bfloat16/channels_last · torch 2.9.0"
        " · Python 3.12.1 · Linux x86_64"
    )


@pytest.mark.parametrize(
    ("device_type", "conv", "said"),
    [("cuda", "tf32", True), ("cuda", "ieee", False), ("cpu", "tf32", False)],
)
def test_describe_says_tf32_where_it_counts(device_type, conv, said):
    facts = {"fingerprint": "f1", "device_type": device_type,
             "precision": "float32/contiguous", "torch": "2.9.0",
             "tf32": {"matmul": "none", "conv": conv}}  # fmt: skip
    assert ("float32/contiguous · TF32 · torch 2.9.0" in describe(Environment.of(facts))) == said


def test_describe_and_fingerprint_import_no_torch():
    code = (
        "import sys; from bench.results.environment import describe, fingerprint;"
        "fingerprint({}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_processor_from_cpuinfo(monkeypatch):
    # two sockets of two cores, two threads each
    blocks = [
        f"processor : {n}\nmodel name : Big CPU\nphysical id : {n // 4}\ncore id : {n // 2 % 2}\n"
        for n in range(8)
    ]
    monkeypatch.setattr(processor, "text_of", lambda path: "\n".join(blocks))
    monkeypatch.setattr(processor, "cpu_quota", lambda: None)
    facts = processor.cpu()
    assert (facts["cpu"], facts["cores_physical"]) == ("Big CPU", 4)


@pytest.mark.parametrize(
    ("text", "quota"), [("max 100000\n", None), ("150000 100000\n", 1.5), (None, None)]
)
def test_cpu_quota_of_a_container(monkeypatch, text, quota):
    monkeypatch.setattr(processor, "text_of", lambda path: text)
    assert processor.cpu_quota() == quota


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """A repository with a tracked bench/environment.py, and a way to run git in it."""
    if shutil.which("git") is None:
        pytest.skip("needs git")

    def git(*arguments):
        identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
        command = ("git", "-C", str(tmp_path), *identity, *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    file = tmp_path / "bench" / "environment.py"
    file.parent.mkdir()
    file.write_text("one\n")
    git("init", "-q")
    monkeypatch.setattr(environment, "__file__", str(file))
    return git, file


def test_checkout_has_commit_and_dirty_flag(checkout):
    git, file = checkout
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("tag", "-a", "v1", "-m", "v1")
    head = git("rev-parse", "HEAD")
    assert environment.checkout() == {"commit": head, "dirty": False}
    file.write_text("two\n")
    assert environment.checkout() == {"commit": head, "dirty": True}


def test_a_wheel_inside_somebody_elses_repository_has_no_commit(checkout):
    git, _ = checkout
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    assert environment.checkout() == {"commit": None, "dirty": None}


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert environment.checkout() == {"commit": None, "dirty": None}


def test_source_hash_is_the_defining_file():
    module = importlib.import_module("bench.methods.identity")
    expected = hashlib.sha256(Path(module.__file__).read_bytes())
    assert source_sha256(module.Identity) == expected.hexdigest()


def test_a_class_without_a_file_has_no_source_hash():
    assert source_sha256(int) is None
    made_in_a_notebook = type("Made", (), {"__module__": "__nowhere__"})
    assert source_sha256(made_in_a_notebook) is None


def test_a_source_hash_covers_the_siblings_that_a_plugin_uses(tmp_path, monkeypatch):
    package = tmp_path / "strange"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_deep.py").write_text("def deep(): pass\n")
    (package / "_shared.py").write_text("from ._deep import deep\ndef shared(): deep()\n")
    (package / "_unused.py").write_text("x = 1\n")
    (package / "plugin.py").write_text("from ._shared import shared\nclass Made: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    cls = importlib.import_module("strange.plugin").Made
    before = source_sha256(cls)
    (package / "_unused.py").write_text("x = 2\n")
    assert source_sha256(cls) == before
    (package / "_deep.py").write_text("def deep(): return 1\n")
    changed = source_sha256(cls)
    assert changed != before
    (package / "_unused.cpp").write_text("int x;\n")
    assert source_sha256(cls) == changed
    (package / "_deep.cpp").write_text("int y;\n")
    compiled = source_sha256(cls)
    assert compiled != changed
    (package / "_deep.cpp").write_text("int zz;\n")
    assert source_sha256(cls) != compiled

"""Counters before and after, by files that say what the kernel would."""

import json

import pytest
import torch

from bench import results
from bench.cli import main
from bench.compare.runs import compare
from bench.machine import conditions

MACHINE = {
    "proc/stat": "cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n",
    "proc/thread-self/schedstat": "5 {waited} 7\n",
    "proc/cpuinfo": "processor\t: 0\ncpu MHz\t\t: 1200.5\nprocessor\t: 1\ncpu MHz\t\t: 3000.0\n",
    "sys/fs/cgroup/cpu.stat": "usage_usec 5\nnr_periods 9\nnr_throttled {throttled}\n",
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "{thermal}\n",
}
ZERO = {"user": 0, "idle": 0, "steal": 0, "waited": 0, "throttled": 0, "thermal": 0}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that watches a machine whose counters grow by what is given."""
    monkeypatch.setattr(conditions.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(conditions.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(conditions.time, "monotonic", iter([10.0, 20.0]).__next__)

    def set_to(values):
        for name, text in MACHINE.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text.format(**values))

    def watched(aa_noise=None, **grown):
        set_to(ZERO)
        watch = conditions.Watch(root=tmp_path)
        set_to(ZERO | grown)
        return watch.end(aa_noise)

    return watched


def test_a_quiet_machine_is_not_noisy(machine):
    happened = machine(idle=2000, waited=10**8, aa_noise=0.01)
    assert happened["noisy"] == []
    facts = happened["facts"]
    assert (facts["others"], facts["steal"], facts["waited"]) == (0.0, 0.0, 0.01)
    assert (facts["throttled"], facts["thermal"], facts["aa_noise"]) == (0, 0, 0.01)
    assert facts["megahertz"] == [1200.5, 3000.0]
    assert 0 <= facts["clock_ns"]["median"] <= facts["clock_ns"]["p99"]
    json.dumps(happened, allow_nan=False)


@pytest.mark.parametrize(
    ("grown", "reason"),
    [
        ({"user": 1000, "idle": 1000}, "other processes took 50% of the cores' time"),
        ({"steal": 100, "idle": 1900}, "other machines on this host took 5.0% of the cores' time"),
        ({"idle": 2000, "waited": 10**9}, "it waited for a core 10% of the time"),
        ({"idle": 2000, "throttled": 3}, "a limit on processor time stopped it 3 times"),
        ({"idle": 2000, "thermal": 2}, "cores were too hot 2 times"),
        ({"idle": 2000, "aa_noise": 0.07}, "the A/A control differs by up to 7.0%"),
    ],
)
def test_what_disturbs_is_named(machine, grown, reason):
    assert machine(**grown)["noisy"] == [reason]


def test_the_load_of_a_host_of_which_we_have_a_part_is_not_ours(machine, monkeypatch):
    monkeypatch.setattr(conditions.os, "cpu_count", lambda: 64)
    happened = machine(user=1000, idle=1000)
    assert happened["facts"]["others"] is None
    assert happened["noisy"] == []


def test_a_system_without_counters_says_nothing(tmp_path):
    facts = conditions.Watch(root=tmp_path).end()["facts"]
    assert [facts[name] for name in ("others", "steal", "waited", "thermal")] == [None] * 4


def test_a_gpu_that_is_slowed_down_or_shared(tmp_path, monkeypatch):
    class Card:
        source = "nvml"

        def __init__(self, uuid):
            assert uuid == "abc"
            self.taken = iter((100.0, 130.5))

        def joules(self):
            return next(self.taken)

        def state(self):
            return {"megahertz": 1200, "slowed": ["power cap", "heat"], "processes": 2}

    monkeypatch.setattr(conditions, "Gpu", Card)
    happened = conditions.Watch("cuda", root=tmp_path, uuid="abc").end()
    assert happened["facts"]["gpu"]["megahertz"] == 1200
    assert happened["facts"]["gpu"]["joules"] == 30.5
    assert happened["noisy"] == [
        "the GPU was slowed down by power cap, heat",
        "2 other processes used the GPU",
    ]
    assert conditions.Watch("cpu", root=tmp_path).end()["facts"]["gpu"] is None


def test_a_run_has_an_aa_control_and_its_conditions(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    words = ["--dataset", "synthetic", "--profile", "smoke", "--device", "cpu", "--quiet"]
    words += ["--precision", "float32", "--metric", "color/1"]
    threads = torch.get_num_threads()
    try:
        assert main(["run", "--method", "identity", *words, "--threads", "1"]) == 0
    finally:
        torch.set_num_threads(threads)
    measured = results.latest(tmp_path / "runs")
    printed = " ".join(capsys.readouterr().out.split())
    assert "A/A control, one method timed twice, differs by up to" in printed
    records = {path.stem: json.loads(path.read_text()) for path in (measured / "speed").iterdir()}
    # only anchors: of these the one that does something, from file to file
    control = records["identity__64"]["control"]
    assert control["scope"] == "e2e"
    assert len(control["samples"]) == len(control["rounds"]) > 0
    assert records["style-copy__64"]["control"] is None
    facts = {json.dumps(record["conditions"]) for record in records.values()}
    assert len(facts) == 1
    frames = results.load([measured])
    (noise,) = frames.controls["noise"]
    assert json.loads(facts.pop())["facts"]["aa_noise"] == noise
    assert frames.records[measured.name].environment.facts["threads_asked"] == 1
    found = compare(measured, measured)
    assert all(row.result.floor == max(0.05, noise) for row in found.rows)
    assert any(f"A/A noise of base at 64 px: {100 * noise:.1f} %" in note for note in found.notes)

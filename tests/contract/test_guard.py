"""What a plugin leaves changed in the process is put back and is its own error; others go on."""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import conformance
from bench.contract import Context, Method, Precision, phases
from bench.contract.cuda_switches import switches
from bench.contract.guard import Guard
from bench.errors import BenchError
from bench.plugins import registry
from bench.run.failures import describe_failure
from bench.store import collect

HELD = []


def enter_inference():
    HELD.append(torch.inference_mode())  # unheld it would end by itself
    HELD[-1].__enter__()


CHANGES = {
    "threads": ("number of threads", lambda: torch.set_num_threads(torch.get_num_threads() + 1)),
    "dtype": ("default dtype", lambda: torch.set_default_dtype(torch.float64)),
    "device": ("default device", lambda: torch.set_default_device("meta")),
    "gradients": ("gradient mode", lambda: torch.set_grad_enabled(False)),
    "inference": ("gradient mode", enter_inference),
    "determinism": ("deterministic mode", lambda: torch.use_deterministic_algorithms(True)),
    "folder": ("working directory", lambda: os.chdir("/")),
    "interrupt": ("handler of SIGINT", lambda: signal.signal(signal.SIGINT, lambda *_: None)),
}
SWITCHES = {
    "tf32": lambda: torch.set_float32_matmul_precision("high"),
    "tf32 in convolutions": lambda: setattr(torch.backends.cudnn.conv, "fp32_precision", "none"),
    "algorithms": lambda: setattr(torch.backends.cudnn, "benchmark", True),
}
"""CUDA's, as many an author's code turns them when it is imported."""
QUIET = {
    **SWITCHES,
    "environment": lambda: os.environ.clear(),
    "random": lambda: random.seed(5),
    "numpy": lambda: np.random.seed(5),
    "warnings": lambda: warnings.simplefilter("ignore"),
}
AT_LOAD_ONLY = {"interrupt"}


def state():
    return (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.ones(1).device,
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        switches(),
        Path.cwd(),
        dict(os.environ),
        random.getstate(),
        np.random.get_state()[1].tobytes(),
        warnings.filters[:],
        signal.getsignal(signal.SIGINT),
        sys.stdout,
    )


def a_method(load=None, adapt=None, stylize=None, step=None):
    def nothing():
        pass

    class Mine(Method):
        """Does what it is told to."""

        name = "mine"
        family = "arbitrary"

        def load(self):
            (load or nothing)()

        def adapt(self, style):
            (adapt or nothing)()
            return self._steps() if step else None

        def _steps(self):
            yield
            step()
            yield

        def stylize(self, content):
            (stylize or nothing)()
            return content.clone()

    return Mine


def use(cls):
    context = Context(torch.device("cpu"), Precision(), collect([]), None)
    method = phases.loaded(cls, context, None)
    picture = torch.zeros(1, 3, 32, 32)
    phases.adapt(method, picture)
    return phases.stylize(method, picture)


@pytest.mark.parametrize("where", ["load", "adapt", "stylize"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_put_back_and_named(what, where):
    if what in AT_LOAD_ONLY and where != "load":
        pytest.skip("asked for around load alone: it costs too much around each call")
    said, change = CHANGES[what]
    before = state()
    with pytest.raises(BenchError, match=f"{said} was changed: that is the runner's, leave it"):
        use(a_method(**{where: change}))
    assert state() == before
    use(a_method())


@pytest.mark.parametrize("what", [w for w in CHANGES if w not in (*AT_LOAD_ONLY, "gradients")])
def test_a_step_is_a_call_too(what):
    said, change = CHANGES[what]
    before = state()
    with pytest.raises(BenchError, match=f"{said} was changed"):
        use(a_method(step=change))
    assert state() == before


@pytest.mark.parametrize("what", QUIET)
def test_what_libraries_change_when_they_are_loaded_is_put_back_without_a_word(what):
    before = state()
    use(a_method(load=QUIET[what]))
    assert state() == before


@pytest.mark.parametrize("where", ["adapt", "stylize", "step"])
@pytest.mark.parametrize("what", SWITCHES)
def test_cudas_switches_are_put_back_after_every_call(what, where):
    """There without CUDA too; what a method turns would reach the times of all others."""
    before = state()
    use(a_method(**{where: SWITCHES[what]}))
    assert state() == before


def test_a_generator_keeps_its_gradient_mode_to_itself():
    seen = []

    class Mine(a_method()):
        def adapt(self, style):
            with torch.no_grad():
                yield
                seen.append(torch.is_grad_enabled())
                yield

    modes = []
    context = Context(torch.device("cpu"), Precision(), collect([]), None)
    for _ in phases.adapting(Mine(context), torch.zeros(1, 3, 32, 32)):
        modes.append(torch.is_grad_enabled())
    assert (seen, modes) == ([False], [True, True])


@pytest.mark.parametrize("where", ["load", "adapt", "stylize", "step"])
def test_what_is_printed_does_not_reach_the_commands_output(where, capsys):
    use(a_method(**{where: lambda: sys.stdout.write("noise\n")}))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "noise\n")


@pytest.mark.parametrize("where", ["load", "adapt", "stylize", "step"])
@pytest.mark.parametrize("error", [SystemExit(3), SystemExit(), GeneratorExit()])
def test_who_ends_the_program_ends_only_himself(error, where):
    def leave():
        raise error

    with pytest.raises(
        BenchError, match=f"to end the program, {type(error).__name__}.*test_guard.py"
    ):
        use(a_method(**{where: leave}))


def test_the_users_ctrl_c_passes():
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use(a_method(stylize=interrupt))


class SpeechlessError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_an_exception_whose_text_raises_is_a_row():
    status, reason = describe_failure(SpeechlessError())
    assert status == "error"
    assert reason == "SpeechlessError"


def test_a_reason_has_the_cause_that_the_first_line_announces():
    """As `load_state_dict` says: the key is in the second line."""
    wrapped = {
        f"module.{name}": value for name, value in torch.nn.Linear(1, 1).state_dict().items()
    }
    try:
        torch.nn.Linear(1, 1).load_state_dict(wrapped)
    except RuntimeError as error:
        _, reason = describe_failure(error)
    assert 'Missing key(s) in state_dict: "weight", "bias"' in reason
    assert 'Unexpected key(s) in state_dict: "module.weight", "module.bias"' in reason
    assert "\n" not in reason
    assert len(describe_failure(RuntimeError("z" * 200_000))[1]) < 600


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import torch; torch.set_num_threads(torch.get_num_threads() + 1)", "number of threads"),
        ("import os; os.chdir('/')", "working directory"),
        ("raise SystemExit", "wanted to end the program"),
        ("class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E", "E ("),
    ],
)
def test_an_import_that_changes_the_process_breaks_the_plugin_alone(line, says, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(line)
    before = state()
    loaded = registry.load([str(file)])
    assert state() == before
    (broken,) = [b for b in loaded.broken if b.asked]
    assert says in broken.cause
    assert "identity" in loaded.methods


PLUGIN = """
import torch
from bench import Method, hookimpl
class Mine(Method):
    "Mine."
    name = "mine"; family = "arbitrary"; citation = "none"
    def load(self):
        {load}
    def stylize(self, content):
        return content.clone()
@hookimpl
def bench_methods():
    return [Mine]
"""


@pytest.mark.parametrize(
    "load",
    ["torch.set_num_threads(torch.get_num_threads() + 1)", "torch.set_grad_enabled(False)"],
)
def test_bench_check_sees_what_load_changes(load, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN.format(load=load))
    before = state()
    outcomes = {o.case.check.__name__: o for o in conformance.run(conformance.cases(str(file)))}
    assert state() == before
    found = outcomes["leaves_global_state_alone"]
    assert found.status == "failed"
    assert "was changed" in found.message


@pytest.mark.skipif(sys.gettrace() is not None, reason="each line costs a tracer's call")
def test_the_guard_costs_at_most_a_hundredth_of_a_millisecond():
    """A hundredth of a call of 1 ms; of many turns the best, for others use the machine too."""

    def turn(calls=500):
        start = time.perf_counter()
        for _ in range(calls):
            with Guard():
                pass
        return (time.perf_counter() - start) / calls

    assert min(turn() for _ in range(20)) < 10e-6 * 2  # twice: a slower machine's

"""CUDA graphs, by a CUDA that is not there: what is captured, launched and kept, and when."""

import contextlib
import functools
import importlib

import pytest
import torch
from helpers.tiny import TinyEncoder, pictures

from bench import perceptual
from bench.conformance._simulation import DEVICE, Simulation
from bench.contract import Context, Precision
from bench.contract.phases import adapt, loaded
from bench.errors import BenchError
from bench.machine.device import decibels

cuda_graph = importlib.import_module("bench.methods._cuda_graph")
deployment = importlib.import_module("bench.methods._deployed")
fitting = importlib.import_module("bench.methods._fitting")
metastyle = importlib.import_module("bench.methods.metastyle")
transform_net = importlib.import_module("bench.methods._transform_net")


@pytest.fixture
def cuda(monkeypatch):
    """Torch's functions around a capture, on a CPU: a graph launched computes once more."""
    log = []

    class Graph:
        def replay(self):
            log.append("launch")
            self.compute()

    class Stream:
        def __init__(self, device):
            self.device = device

        def wait_stream(self, other):
            log.append("wait")

    @contextlib.contextmanager
    def capture(graph, stream):
        assert stream.device == torch.device("cpu")  # not the first one's
        log.append("capture")
        yield
        log.append("captured")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch, "clear_autocast_cache", lambda: log.append("clear"))
    return log


class Doubling:
    """Counts its passes; its graphs know how to compute again."""

    def __init__(self):
        self.passes, self.factor = 0, 2.0

    def __call__(self, picture):
        self.passes += 1
        return picture * self.factor


def graphed(network):
    graphed = cuda_graph.Graphed(network)
    capture = graphed.capture

    def taught(picture):
        graph, given, result = capture(picture)
        graph.compute = lambda: result.copy_(given * network.factor)
        return graph, given, result

    graphed.capture = taught
    return graphed


def test_a_shape_is_captured_once_and_launched_ever_after(cuda):
    network = Doubling()
    call = graphed(network)
    first = call(torch.full((1, 3, 4, 4), 0.25))
    assert cuda == ["clear", "capture", "captured", "clear", "launch"]
    assert network.passes == cuda_graph.WARM_UP + 1
    second = call(torch.full((1, 3, 4, 4), 0.5))
    assert network.passes == cuda_graph.WARM_UP + 1
    assert (first.unique().item(), second.unique().item()) == (0.5, 1.0)  # no shared memory
    network.factor = 3.0  # adapted to another style, where it lies
    assert call(torch.full((1, 3, 4, 4), 0.5)).unique().item() == 1.5
    call(torch.ones(1, 3, 8, 8))
    assert cuda.count("capture") == 2


@pytest.fixture
def whole():
    """float32 as `choose_device` leaves it on CUDA."""
    conv = torch.backends.cudnn.conv
    before, conv.fp32_precision = conv.fp32_precision, "ieee"
    yield
    conv.fp32_precision = before


def test_layouts_and_arithmetic_have_graphs_of_their_own(cuda, whole):
    call = graphed(Doubling())
    picture = torch.ones(2, 3, 4, 4)
    for _ in range(2):
        call(picture)
        call(picture.contiguous(memory_format=torch.channels_last))
        with Precision("tf32").autocast(torch.device("cuda")):
            call(picture)
    assert cuda.count("capture") == 3


def test_only_some_shapes_are_kept(cuda):
    call = graphed(Doubling())
    for side in range(1, cuda_graph.KEPT + 3):
        call(torch.ones(1, 3, side, side))
    assert len(call.graphs) == cuda_graph.KEPT
    call(torch.ones(1, 3, 1, 1))  # the oldest, made anew
    assert cuda.count("capture") == cuda_graph.KEPT + 3


def test_autocast_forgets_its_rounded_weights_though_the_capture_fails(cuda):
    def waits(picture):
        if "capture" in cuda:
            raise RuntimeError("operation not permitted when stream is capturing")
        return picture

    with pytest.raises(RuntimeError, match="not permitted"):
        cuda_graph.Graphed(waits)(torch.ones(1, 3, 4, 4))
    assert cuda[-1] == "clear"


CPU = torch.device("cpu")


@pytest.fixture
def probe(monkeypatch):
    """`auto` on CUDA, by a CPU: seconds for each form's turns, and makers that stand for CUDA's.

    Gives what is chosen and why, and how often torch.compile was asked.
    """
    asked = []

    def run(seconds, graphed=lambda network: network, compiled=lambda network: network):
        def compile_(network, **given):
            asked.append(given)
            return compiled(network)

        turns = iter(seconds)
        monkeypatch.setattr(deployment, "SIDE", 16)
        monkeypatch.setattr(deployment, "Graphed", graphed)
        monkeypatch.setattr(torch, "compile", compile_)
        monkeypatch.setattr(deployment, "require_triton", lambda: None)
        monkeypatch.setattr(deployment, "timed", lambda call, _: (call(), next(turns)))
        forms = ("graph", "compiled")
        return *deployment.probe.__wrapped__(forms, True, CPU, Precision(), 1), asked

    return run


def unable(network):
    raise RuntimeError("not here\nbecause")


def other(network):
    return torch.zeros_like


@pytest.mark.parametrize(
    ("graph", "compiled", "chosen"),
    [(0.5, 0.4, "compiled"), (0.4, 0.5, "graph"), (0.95, 0.95, "plain")],
)
def test_auto_takes_the_fastest(probe, graph, compiled, chosen):
    form, reason, asked = probe([1.0, graph, compiled] * 3)
    assert form == chosen
    assert reason == (
        f"probe: plain 1000.0 ms, graph {1e3 * graph:.1f} ms (160 dB), "
        f"compiled {1e3 * compiled:.1f} ms (160 dB)"
    )
    assert asked == [{"dynamic": False, "fullgraph": True}]  # once, whole or not at all


@pytest.mark.parametrize("when", ["made", "called"])
def test_auto_leaves_out_what_fails_with_its_reason(probe, when):
    compiled = unable if when == "made" else lambda network: unable
    form, reason, _ = probe([1.0, 0.5] * 3, compiled=compiled)
    assert form == "graph"
    assert reason == "probe: plain 1000.0 ms, graph 500.0 ms (160 dB); compiled: not here"
    form, reason, _ = probe([1.0] * 3, graphed=unable, compiled=compiled)
    assert (form, reason) == ("plain", "graph: not here; compiled: not here")


def test_compiling_is_in_no_timing(probe):
    """Nor is capturing: the first call of each is before the first that is timed."""
    calls = []

    def compiled(network):
        return lambda picture: calls.append(picture) or network(picture)

    probe([1.0, 0.5, 0.4] * 3, compiled=compiled)
    assert len(calls) == 1 + 3


def test_auto_leaves_out_what_gives_another_picture(probe):
    form, reason, _ = probe([1.0, 0.5, 0.1] * 3, compiled=other)
    assert form == "graph"
    assert " dB), compiled 100.0 ms (" in reason


@pytest.mark.parametrize("there", [True, False])
def test_without_triton_or_cuda_nothing_is_compiled(monkeypatch, there):
    monkeypatch.setattr(deployment.importlib.util, "find_spec", lambda name: there or None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: not there)
    monkeypatch.setattr(torch, "compile", pytest.fail)
    form, reason = deployment.probe.__wrapped__(("compiled",), True, CPU, Precision(), 1)
    assert (form, reason) == ("plain", "compiled: torch.compile needs triton, and CUDA")


@pytest.mark.parametrize("form", ["graph", "compiled"])
def test_what_auto_chose_is_in_the_record(monkeypatch, form):
    asked = []
    monkeypatch.setattr(deployment, "probe", lambda *given: asked.append(given) or (form, "why"))
    context = Context(torch.device("cuda"), Precision("bfloat16", True), None, None)
    deployed = deployment.deploy(transform_net.TransformNet(), context, "auto")
    assert deployed.form == form
    assert deployed.arithmetic == (f"bfloat16/channels_last/{form}", "why")
    assert asked[0][0] == ("graph", "compiled")


def test_a_compiled_network_is_compiled_for_every_shape_of_a_run():
    """Beyond its limit torch would go on uncompiled under the same name."""
    graphs = []

    def backend(graph, example):
        graphs.append(example)
        return graph

    compiling = functools.partial(torch.compile, backend=backend)
    torch.compiler.reset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", compiling)
        deployed = deployment.Deployed(torch.nn.Conv2d(3, 3, 1), "compiled")
    for side in range(16, 16 + 4 * 12, 4):
        deployed(torch.rand(1, 3, side, side))
    torch.compiler.reset()
    assert len(graphs) == 12


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch 2.13's own compiler
def test_what_is_asked_for_has_its_label():
    network = transform_net.TransformNet()
    context = Context(torch.device("cuda"), Precision("float16", True), None, None)
    deployed = deployment.deploy(network, context, "graph")
    assert deployed.form == "graph"
    assert deployed.arithmetic == ("float16/channels_last/graph", "asked for")
    deployed = deployment.deploy(network, context, "compiled")
    assert deployed.arithmetic == ("float16/channels_last/compiled", "asked for")
    cpu = Context(torch.device("cpu"), Precision(), None, None)
    with pytest.raises(BenchError, match="inference=graph is for CUDA, not for cpu: use plain"):
        deployment.deploy(network, cpu, "graph")


def again(step, given):
    """A capture on a machine without CUDA: a launch makes the step on what lies there."""
    return lambda: step(*given)


def test_a_step_is_made_as_it_is_until_it_is_captured_and_none_twice():
    sums, captures = [], []

    def capture(step, given):
        captures.append([value.item() for value in given])
        return again(step, given)

    step = cuda_graph.GraphedStep(lambda a, b: sums.append((a + b).item()), capture=capture)
    forms = []
    for number in range(6):
        step(torch.tensor([1.0 * number]), torch.tensor([100.0]))
        forms.append(step.form)
    assert sums == [100, 101, 102, 103, 104, 105]
    assert captures == [[3.0, 100.0]]
    assert forms == ["plain"] * cuda_graph.WARM_UP + ["graph"] * 3


def test_a_step_that_cannot_be_captured_goes_on_as_it_is_with_the_reason():
    seen, tries = [], []

    def refuse(step, given):
        tries.append(given)
        raise RuntimeError("operation not permitted when stream is capturing\nfrom here")

    step = cuda_graph.GraphedStep(seen.append, capture=refuse)
    for number in range(6):
        step(torch.tensor(number))
    assert [int(value) for value in seen] == [0, 1, 2, 3, 4, 5]
    assert len(tries) == 1
    assert step.form == "plain, no graph: operation not permitted when stream is capturing"
    strict = cuda_graph.GraphedStep(seen.append, strict=True, capture=refuse)
    with pytest.raises(RuntimeError, match="not permitted"):
        [strict(torch.tensor(0)) for _ in range(4)]


def test_a_captured_step_is_launched_by_cuda(cuda):
    state = torch.zeros(1)
    given = [torch.ones(1)]
    launch = cuda_graph.capture_step(lambda value: state.add_(value), given)
    assert cuda == ["clear", "capture", "captured", "clear"]
    launch.__self__.compute = lambda: state.add_(given[0])
    launch()
    assert cuda[-1] == "launch"


def fitted(steps, capture, **options):
    context = Context(
        torch.device("cpu"), Precision(), pictures(4, 0), {"tiny": TinyEncoder()}.__getitem__
    )
    chosen = {"encoder": "tiny", "size": 48, "batch": 2, "steps": steps, "shift": 8, **options}
    method = loaded(metastyle.MetaStyle, context, metastyle.MetaStyle.Options(**chosen))
    torch.manual_seed(3)
    style = torch.rand(1, 3, 48, 48)
    for _ in fitting.fit(method, method.network, style, capture=capture):
        pass
    return method, [parameter.detach() for parameter in method.network.parameters()]


@pytest.mark.parametrize("options", [{}, {"shift": 0}, {"size": 32}], ids=str)
def test_an_adaptation_by_graphs_comes_to_the_same_network(options):
    by_graph, there = fitted(6, again, stepping="graph", **options)
    plain, here = fitted(6, None, stepping="auto", **options)
    assert (by_graph.launched, plain.launched) == ("graph", None)
    if options:  # without a window the steps are the same kernels
        assert all(map(torch.equal, there, here))
    content = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        one, other = (method.network(content) for method in (by_graph, plain))
        assert not any(torch.equal(p, by_graph.initial[n]) for n, p in named(by_graph))
        assert all(parameter._version for _, parameter in named(by_graph))
        transform_net.fill(plain.network, plain.initial)
        start = plain.network(content)
    assert decibels(one, other) > 60 > 40 > decibels(one, start)


def named(method):
    return method.network.named_parameters()


@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (7, 1)])
def test_a_window_is_the_same_wherever_its_place_lies(offset):
    contents = torch.rand(2, 3, 40, 52)
    here = perceptual.window(contents, 8, offset)
    assert here.shape == (2, 3, 32, 44)
    assert torch.equal(here, perceptual.window(contents, 8, torch.tensor(offset)))
    assert torch.equal(here[0, 0, 0, 0], contents[0, 0, offset[0], offset[1]])


def test_a_short_adaptation_is_not_captured_unless_asked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    cuda, cpu = torch.device("cuda", 0), torch.device("cpu")
    for steps, stepping, captured in [
        (fitting.WORTH - 1, "auto", False),
        (fitting.WORTH, "auto", True),
        (1, "graph", True),
        (100, "plain", False),
    ]:
        options = fitting.FitOptions(steps=steps, stepping=stepping)
        assert (fitting.launcher(print, options, cuda) is not None) == captured
    assert fitting.launcher(print, fitting.FitOptions(steps=100), cpu) is None
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # it is a simulated one
    assert fitting.launcher(print, fitting.FitOptions(steps=100), cuda) is None
    with pytest.raises(BenchError, match="stepping=graph is for CUDA, not for cpu: use plain"):
        fitting.launcher(print, fitting.FitOptions(stepping="graph"), cpu)


def test_on_a_simulated_device_steps_are_made_plain():
    """`bench check` would have to leave out the simulation, and with it all that this finds."""
    with Simulation():
        photographs = pictures(4, 0)
        context = Context(DEVICE, Precision(), photographs, {"tiny": TinyEncoder()}.__getitem__)
        options = {"encoder": "tiny", "size": 32, "batch": 1, "steps": fitting.WORTH}
        method = loaded(metastyle.MetaStyle, context, metastyle.MetaStyle.Options(**options))
        assert adapt(method, torch.rand(1, 3, 32, 32).to(DEVICE)) == fitting.WORTH
    assert method.launched is None

"""CUDA graphs, by a CUDA that is not there: what is captured, launched and kept, and when."""

import contextlib
import importlib

import pytest
import torch

from bench.contract import Context, Precision
from bench.errors import BenchError

cuda_graph = importlib.import_module("bench.methods._cuda_graph")
deployment = importlib.import_module("bench.methods._deployed")
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
            pass

        def wait_stream(self, other):
            log.append("wait")

    @contextlib.contextmanager
    def capture(graph):
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
    assert cuda == ["wait", "wait", "clear", "capture", "captured", "clear", "launch"]
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


def test_auto_falls_back_with_the_reason_where_a_graph_cannot_be_captured(monkeypatch):
    def broken(network):
        raise RuntimeError("no capture here\nbecause")

    monkeypatch.setattr(deployment, "Graphed", broken)
    monkeypatch.setattr(deployment, "SIDE", 16)
    cpu = torch.device("cpu")
    better, reason = deployment._probe.__wrapped__("graph", True, cpu, Precision(), 1)
    assert (better, reason) == (False, "graph: no capture here")


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

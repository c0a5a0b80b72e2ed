"""What tests of the speed gate share."""

import math
import random

from bench.compare import tasks

TASK = tasks.TimedTask("made", {})


RULE = tasks.GateRule(min_seconds=0.0, max_seconds=1e9)


SPREAD = 0.03


class Simulated:
    """A worker of 10 ms a call on a machine whose speed drifts and jumps.

    Attributes:
        slowdown: side to how much slower it is.
        bias: how far apart the processes of one launch are, one number for each launch.
    """

    slowdown: dict = {}  # noqa: RUF012
    bias: list = []  # noqa: RUF012
    random = random.Random(0)
    speed = 1.0
    started: list = []  # noqa: RUF012

    def __init__(self, side, task, script):
        self.started.append(self)
        launch = (len(self.started) - 1) // 2
        self.seconds = 0.01 * (1 + self.slowdown.get((side, task.scope), 0.0))
        if len(self.started) % 2 == 0 and launch < len(self.bias):
            self.seconds *= 1 + self.bias[launch]

    def ask(self, request):
        self.calls = request.get("turn")

    def answer(self):
        if self.calls is None:
            return {"seconds": 0.01, "torch": "2.9.0"}
        cls = type(self)
        cls.speed *= math.exp(self.random.gauss(0, 0.003))
        noise = math.exp(self.random.gauss(0, SPREAD)) * (2.0 if self.random.random() < 0.03 else 1)
        return self.calls * self.seconds * cls.speed * noise, 0.0

    def keep_to(self, core):
        self.core = core

    def close(self):
        pass


PLUGIN = '''
import time
from bench import Method, hookimpl

class Sleeper(Method):
    """Sleeps, which no processor time tells of."""
    name = "sleeper"
    family = "arbitrary"
    def stylize(self, content):
        time.sleep({seconds})
        print("chatter")
        return content

@hookimpl
def bench_methods(): return [Sleeper]
'''

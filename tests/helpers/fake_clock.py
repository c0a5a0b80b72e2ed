"""A clock of which time is spent, and calls that spend it."""

import itertools


class FakeClock:
    """Time passes only when somebody spends it."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def spend(self, seconds):
        self.now += seconds


def costing(clock, *seconds, log=None, label=None):
    """A call that costs these seconds in turn, then the last for ever."""
    costs = itertools.chain(seconds, itertools.repeat(seconds[-1]))

    def call():
        if log is not None:
            log.append(label)
        clock.spend(next(costs))

    return call

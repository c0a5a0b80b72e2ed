"""What a step makes an accelerator and its host exchange, counted without an accelerator.

Torch's `meta` device stands for it: its tensors have no values, so that whatever needs one on the
host has to ask. Copies are counted by their way, what else would make the host wait by operator.
"""

from collections import Counter
from contextlib import ExitStack

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DEVICE = torch.device("meta")
TO_DEVICE, TO_HOST = "to device", "to host"
VALUE = "aten._local_scalar_dense.default"  # item, float, bool, if
MASK = "aten.nonzero.default"
EIGH = "aten._linalg_eigh.default"  # torch looks at its error code

_ANSWERS = {
    VALUE: lambda x: True if x.dtype == torch.bool else 1,
    "aten.equal.default": lambda x: True,
    MASK: lambda x: x.new_empty((1, x.dim()), dtype=torch.int64),
    EIGH: None,
}
"""Operators that wait, and what stands for a value that the host would get."""


class Traffic:
    """`with Traffic() as traffic:` counts into `traffic.counts`."""

    def __init__(self):
        self.counts = Counter()
        self._modes = ExitStack()

    def __enter__(self):
        self._modes.enter_context(_Operators(self.counts))
        self._modes.enter_context(_Functions(self.counts))
        return self

    def __exit__(self, *error):
        self._modes.close()


class _Operators(TorchDispatchMode):
    """Copies, and operators that wait."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name, there = str(func), [on_device(t) for t in tree_leaves((args, kwargs))]
        if name in _ANSWERS and any(there):
            self.counts[name] += 1
            if _ANSWERS[name]:
                return _ANSWERS[name](args[0])
        elif name == "aten._to_copy.default" and kwargs.get("device") is not None:
            after = kwargs["device"] == DEVICE
            self._copied(there[0], after)
            if there[0] and not after:
                return torch.zeros(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        elif name == "aten.copy_.default":
            self._copied(there[1], there[0])
            if there[1] and not there[0]:
                return args[0].zero_()
        return func(*args, **kwargs)

    def _copied(self, before, after):
        if before != after:
            self.counts[TO_DEVICE if after else TO_HOST] += 1


class _Functions(TorchFunctionMode):
    """Python's numbers that torch brings to the device out of an operator's sight, and masks."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor):
            wanted = kwargs.get("device")
            if wanted is not None and torch.device(wanted) == DEVICE and not on_device(args[0]):
                self.counts[TO_DEVICE] += 1
        elif func is Tensor.new_tensor and on_device(args[0]):
            self.counts[TO_DEVICE] += 1
        elif func in (Tensor.__getitem__, Tensor.__setitem__) and on_device(args[0]):
            self._index(args[1] if isinstance(args[1], tuple) else (args[1],))
            if any(isinstance(i, Tensor) and i.dtype == torch.bool for i in tree_leaves(args[1])):
                return args[0] if func is Tensor.__getitem__ else None
        return func(*args, **kwargs)

    def _index(self, places):
        for place in places:
            if isinstance(place, list) or (isinstance(place, Tensor) and not on_device(place)):
                self.counts[TO_DEVICE] += 1
            elif isinstance(place, Tensor) and place.dtype == torch.bool:
                self.counts[MASK] += 1


def on_device(value):
    return isinstance(value, Tensor) and value.device == DEVICE

"""An accelerator that is not there: finds, on any machine, what would fail on a real one.

Tensors keep lying in the host's memory, and each storage is marked that a program moved to the
simulated device. Then what a GPU refuses is refused: operations over tensors of both sides, and
numpy on a tensor of the device. Kernels, memory and arithmetic of a real one are not simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("cuda", 0)
"""Its name; no CUDA is needed, or used."""

_Function = Callable[..., Any]
_MARK = "on_the_simulated_device"
_DEVICE_OF = torch.Tensor.device.__get__
_IS_CUDA = torch.Tensor.is_cuda.__get__  # type: ignore[attr-defined]
_IS_CPU = torch.Tensor.is_cpu.__get__  # type: ignore[attr-defined]
_UNTOUCHED = {torch.device, torch._C._nn._parse_to}
_CROSSING = {"to", "cpu", "cuda", "copy_", "__getitem__", "__setitem__", "index_put_", "type_as"}
"""Functions that take tensors of both sides."""
_TO_HOST = {"numpy", "__array__"}
_REFERRING = {"untyped_storage", "_has_compatible_shallow_copy_type", "set_", "__set__"}


class Simulation(TorchFunctionMode):
    """`with Simulation():` makes `DEVICE` usable; operations that it would refuse raise."""

    @staticmethod
    def is_there(tensor: Tensor) -> bool:
        """Whether the tensor lies on the simulated device, for which a storage bears a mark.

        What a program keeps for its next use stays there when the simulation ends.
        """
        with torch._C.DisableTorchFunction():
            return hasattr(tensor.untyped_storage(), _MARK)

    def __torch_function__(
        self,
        func: _Function,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _UNTOUCHED:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [self.is_there(tensor) for tensor in tensors]
        if func == _DEVICE_OF:
            return DEVICE if there[0] else torch.device("cpu")
        if func in (_IS_CUDA, _IS_CPU):
            return there[0] == (func == _IS_CUDA)
        if name in _TO_HOST and any(there):
            raise AssertionError(
                f"{name} of a tensor on the device: bring it to the host first, with .cpu()"
            )
        asked, args, kwargs = _take_device(args, kwargs)
        if asked is None and name in ("cpu", "cuda"):
            asked, func, args, kwargs = name == "cuda", torch.Tensor.clone, args[:1], {}
        if asked is None and name in ("to", "type_as") and len(tensors) > 1:
            asked = there[1]
        elif name not in _CROSSING | _REFERRING:
            self._refuse_mixture(name, tensors, there)
        if asked and not tensors and isinstance(kwargs.get("generator"), torch.Generator):
            raise AssertionError(
                f"{name} draws on the device from a generator of the host: draw on the host and "
                f"move the result, or make the generator on the device"
            )
        result = func(*args, **kwargs)
        if asked is None:
            asked = any(there) if name not in ("copy_", "__setitem__", "__set__") else there[0]
            return _mark(result) if asked else result
        if tensors and asked != there[0]:
            result = tree_map(_copied, result)
        return _mark(result) if asked else result

    def _refuse_mixture(self, name: str, tensors: list[Tensor], there: list[bool]) -> None:
        """Tensors of both sides meet; the host's single numbers are taken everywhere."""
        strangers = [t for t, on in zip(tensors, there, strict=True) if not on and t.dim() > 0]
        if any(there) and strangers:
            shape = tuple(strangers[0].shape)
            raise AssertionError(
                f"{name} mixes a tensor on the device with one on the host, of shape {shape}: "
                f"make it with device=self.context.device, or place the module that holds it "
                f"with self.context.place(module) in load"
            )


def _mark(result: Any) -> Any:
    with torch._C.DisableTorchFunction():
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                setattr(leaf.untyped_storage(), _MARK, True)
    return result


def _take_device(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[bool | None, tuple[Any, ...], dict[str, Any]]:
    """Whether a device is asked for among the arguments, and these with the host in its place."""
    asked: bool | None = None

    def take(value: Any) -> Any:
        nonlocal asked
        is_text = isinstance(value, str) and value.partition(":")[0] in ("cpu", DEVICE.type)
        if isinstance(value, torch.device) or is_text:
            asked = torch.device(value).type == DEVICE.type
            return torch.device("cpu")
        return value

    taken = tuple(take(value) for value in args)
    named = {key: take(value) if key == "device" else value for key, value in kwargs.items()}
    return asked, taken, named


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value

"""Changes that a student's function made to its arguments, carried back onto the test's objects."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .randomness import advance

Undo = list[Callable[[], None]]
_PLAIN = (int, float, complex, str, bytes, bool, type(None), np.generic)


def assign(ours: Any, theirs: Any, undo: Undo, *, keep: bool) -> bool:
    """Make `ours` equal to `theirs`, in place, as far as its kind allows.

    Appends to `undo` what restores it. Returns whether anything but a random stream differed.
    With `keep` false only random streams move. Shapes, dtypes and lengths of arrays stay.
    """
    if isinstance(ours, np.random.Generator | np.random.RandomState):
        advance(ours, theirs)
        return False
    pairs = _parts(ours, theirs)
    if pairs is not None:
        changed = [assign(a, b, undo, keep=keep) for a, b in pairs]
        return any(changed)
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        return _assign_array(ours, theirs, undo, keep=keep)
    if isinstance(ours, list | dict | set) and type(ours) is type(theirs):
        return _assign_container(ours, theirs, undo, keep=keep)
    return _assign_torch(ours, theirs, undo, keep=keep)


def _parts(ours: Any, theirs: Any) -> list[tuple[Any, Any]] | None:
    """Pairs to go through one by one: containers of one shape that hold nothing plain."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(ours, torch.nn.Module) and isinstance(theirs, dict):
        state = ours.state_dict()
        return [(state[n].detach(), theirs[n]) for n in state if n in theirs]
    if type(ours) is not type(theirs):
        return None
    if dataclasses.is_dataclass(ours):
        names = [field.name for field in dataclasses.fields(ours)]
        return [(getattr(ours, n), getattr(theirs, n)) for n in names]
    if isinstance(ours, list | tuple) and len(ours) == len(theirs):
        pairs = list(zip(ours, theirs, strict=True))
    elif isinstance(ours, dict) and ours.keys() == theirs.keys():
        pairs = [(ours[k], theirs[k]) for k in ours]
    else:
        return None
    if isinstance(ours, list | dict) and any(isinstance(a, _PLAIN) for a, _ in pairs):
        return None
    return pairs


def _assign_array(ours: np.ndarray, theirs: np.ndarray, undo: Undo, *, keep: bool) -> bool:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype or not ours.flags.writeable:
        return False
    if ours.tobytes() == theirs.tobytes():
        return False
    before = ours.copy()
    undo.append(lambda: ours.__setitem__(..., before))
    if keep:
        ours[...] = theirs
    return True


def _assign_container(ours: Any, theirs: Any, undo: Undo, *, keep: bool) -> bool:
    try:
        if ours == theirs:
            return False
    except ValueError:  # arrays inside, which have no one truth
        pass
    before = ours.copy()

    def put(items: Any) -> None:
        ours.clear()
        ours.extend(items) if isinstance(ours, list) else ours.update(items)

    undo.append(lambda: put(before))
    if keep:
        put(theirs)
    return True


def _assign_torch(ours: Any, theirs: Any, undo: Undo, *, keep: bool) -> bool:
    torch = sys.modules.get("torch")
    if torch is None or not all(isinstance(t, torch.Tensor) for t in (ours, theirs)):
        return False
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype or torch.equal(ours, theirs):
        return False
    data, before = ours.detach(), ours.detach().clone()
    undo.append(lambda: data.copy_(before))
    if keep:
        data.copy_(theirs.detach())
    return True

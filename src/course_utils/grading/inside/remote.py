"""Stand-ins, in the trusted process, for what lives in the student's."""

import inspect
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np


class Link(Protocol):
    """What a stand-in needs of the trusted side."""

    def operate(self, number: int, operation: str, *args: Any, **kwargs: Any) -> Any: ...


class Remote:
    """An object of the student's that is no plain data.

    It does nothing of its own here: it compares by identity and is always true, and what it is
    asked for is asked of the student's process, which answers with plain data or another stand-in.
    """

    __slots__ = ("__name__", "_link", "_number", "_type")

    def __init__(self, link: Link, message: dict[str, Any]) -> None:
        self._link = link
        self._number = int(message["id"])
        self._type = str(message["type"])[:80]
        self.__name__ = str(message["name"] or self._type)[:80]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._link.operate(self._number, "attribute", name)

    def __getitem__(self, key: Any) -> Any:
        return self._link.operate(self._number, "item", key)

    def __len__(self) -> int:
        return self._link.operate(self._number, "length")

    def __iter__(self) -> Iterator[Any]:
        items = self._link.operate(self._number, "iterate")
        if type(items) is not list:
            raise TypeError(f"a student's {self._type} gave no list of items")
        return iter(items)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self._link.operate(self._number, "array")
        if type(array) is not np.ndarray:
            raise TypeError(f"a student's {self._type} is no array")
        return array if dtype is None else array.astype(dtype)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<the student's {self._type}>"


class RemoteFunction(Remote):
    """A function or class of the student's: calling it runs it in the student's process."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.operate(self._number, "call", *args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        rows = self._link.operate(self._number, "signature")
        return inspect.Signature(
            [
                inspect.Parameter(
                    name, inspect._ParameterKind(kind), default=None if has_default else _EMPTY
                )
                for name, kind, has_default in rows
            ]
        )


_EMPTY = inspect.Parameter.empty

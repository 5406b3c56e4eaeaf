"""Objects that cross the wire by the name of their class: the course's records, torch's modules.

Records (dataclasses and named tuples of the course's topics) cross both ways as plain fields.
Models and named functions cross only towards the student, whose process rebuilds them.
"""

import dataclasses
import importlib
import re
import sys
from collections.abc import Callable
from typing import Any

PACKAGE = __name__.partition(".")[0]
# Modules of the package that are no topic: nothing of theirs may be built from a message.
NO_TOPICS = frozenset(("checks", "grading", "cli", "plotting", "explore", "prose", "data"))
_FUNCTION_HOMES = ("numpy", "math", "operator", "torch", "torch.nn.functional")
Convert = Callable[[Any], Any]
Message = dict[str, Any]


def describe(value: Any, encode: Convert) -> Message | None:
    """A record of a topic as class name and fields; None when `value` is no such record."""
    kind = type(value)
    topic = kind.__module__.removeprefix(f"{PACKAGE}.")
    if not kind.__module__.startswith(f"{PACKAGE}.") or not _is_record(kind):
        return None
    if _topic_class(topic, kind.__qualname__) is not kind:
        return None
    fields = [[name, encode(getattr(value, name))] for name in field_names(kind)]
    return {"kind": "record", "topic": topic, "class": kind.__qualname__, "fields": fields}


def build(message: Message, decode: Convert) -> Any:
    """The record described; raises ValueError when the class is none of a topic's records."""
    kind = _topic_class(message["topic"], message["class"])
    if kind is None or not _is_record(kind):
        raise ValueError("not a record of this course")
    fields = {name: decode(value) for name, value in message["fields"]}
    if set(fields) != set(field_names(kind)):
        raise ValueError("not the record's fields")
    return kind(**fields)


def field_names(kind: type) -> list[str]:
    """Names of a record's fields, in order."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind) if field.init]
    return list(kind._fields)  # type: ignore[attr-defined]


def describe_module(value: Any, encode: Convert) -> Message | None:
    """A torch model, layer by layer; None when a class of it is not torch's or the course's."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.nn.Module):
        return None
    home, name = type(value).__module__, type(value).__qualname__
    if not home.startswith(("torch.nn.modules.", f"{PACKAGE}.")):
        return None
    children = {n: describe_module(child, encode) for n, child in value._modules.items()}
    if None in children.values():
        return None
    own = {n: v for n, v in vars(value).items() if not n.startswith("_") and n != "training"}
    return {
        "kind": "module",
        "class": [home, name],
        "training": value.training,
        "attributes": [[n, encode(v)] for n, v in own.items()],
        "parameters": [[n, encode(v)] for n, v in value._parameters.items()],
        "buffers": [[n, encode(v)] for n, v in value._buffers.items()],
        "children": list(children.items()),
    }


def build_module(message: Message, decode: Convert) -> Any:
    """The model described. For the student's process: its sender is trusted."""
    torch = importlib.import_module("torch")
    home, name = message["class"]
    module = object.__new__(getattr(importlib.import_module(home), name))
    torch.nn.Module.__init__(module)
    for attribute, value in message["attributes"]:
        setattr(module, attribute, decode(value))
    for parameter, value in message["parameters"]:
        module.register_parameter(parameter, decode(value))
    for buffer, value in message["buffers"]:
        module.register_buffer(buffer, decode(value))
    for child, described in message["children"]:
        module.add_module(child, build_module(described, decode))
    module.training = message["training"]
    return module


def describe_function(value: Any) -> Message | None:
    """A public function of NumPy, math or torch by name; None for any other."""
    name = getattr(value, "__name__", None)
    if not callable(value) or not isinstance(name, str):
        return None
    for home in _FUNCTION_HOMES:
        if getattr(sys.modules.get(home), name, None) is value:
            return {"kind": "function", "home": home, "name": name}
    return None


def build_function(message: Message) -> Any:
    """The function named. For the student's process: its sender is trusted."""
    return getattr(importlib.import_module(message["home"]), message["name"])


def _is_record(kind: type) -> bool:
    is_named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return dataclasses.is_dataclass(kind) or is_named_tuple


def _topic_class(topic: Any, name: Any) -> type | None:
    """The class of that name that a topic's module itself defines."""
    if type(topic) is not str or type(name) is not str or topic in NO_TOPICS:
        return None
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", topic):
        return None
    try:
        module = importlib.import_module(f"{PACKAGE}.{topic}")
    except ImportError:
        return None
    kind = vars(module).get(name)
    return kind if isinstance(kind, type) and kind.__module__ == module.__name__ else None

"""Numbers that a cell computed, quoted by name in the text around it."""

import math
import numbers


def glue(name: str, value: float | str) -> None:
    """Keep `value` under `name`, for the text to quote as {glue:text}`name:.1f`.

    Stores a plain Python number, so that a format can be given where it is quoted; outside a
    notebook it only checks.  Raises TypeError when `value` is neither a number nor a string,
    ValueError when it is NaN or infinite: a number in the text must be one.
    """
    if isinstance(value, numbers.Integral):
        plain: float | str = int(value)
    elif isinstance(value, numbers.Real):
        plain = float(value)
        if not math.isfinite(plain):
            raise ValueError(f"value: expected a finite number for {name!r}, got {plain}")
    elif isinstance(value, str):
        plain = value
    else:
        raise TypeError(f"value: expected a number or a string, got {type(value).__name__}")
    try:
        from IPython.display import display
    except ImportError:
        return
    # The mime prefix is what MyST-NB looks glued values up by; notebooks show nothing for it.
    prefix = "application/papermill.record/"
    display(
        {f"{prefix}text/plain": repr(plain) if not isinstance(plain, str) else plain},
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": prefix}},
    )

"""Numbers that a cell computed and the text quotes."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from course_utils.prose import glue


@pytest.fixture(autouse=True)
def shell() -> InteractiveShell:
    return InteractiveShell.instance()


@pytest.mark.parametrize(
    ("value", "stored"),
    [(1.5, "1.5"), (np.float64(2.5), "2.5"), (np.int64(3), "3"), ("text", "text")],
)
def test_glue_stores_a_plain_value_under_its_name(value: object, stored: str) -> None:
    with capture_output() as captured:
        glue("name", value)
    (output,) = captured.outputs
    assert output.data == {"application/papermill.record/text/plain": stored}
    assert output.metadata["scrapbook"]["name"] == "name"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_glue_refuses_what_is_not_a_number(value: float) -> None:
    with pytest.raises(ValueError, match=r"expected a finite number for 'name'"):
        glue("name", value)


@pytest.mark.parametrize("value", [None, [1.0], np.ones(2)])
def test_glue_refuses_other_types(value: object) -> None:
    with pytest.raises(TypeError, match="expected a number or a string"):
        glue("name", value)

"""Submissions that are no notebooks, or strange ones."""

import json
import os

from attack import Attack


def _content(content):
    def place(folder, course):
        path = folder / "squares.ipynb"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))

    return place


def _huge(folder, course):
    with (folder / "squares.ipynb").open("r+b") as file:
        file.truncate(200 << 20)


def _huge_data(folder, course):
    with (folder / "data.bin").open("wb") as file:
        file.truncate(1 << 40)


def _many_files(folder, course):
    for i in range(2000):
        (folder / f"f{i}.txt").write_text("")


def _missing(folder, course):
    (folder / "squares.ipynb").unlink()


def _renamed(folder, course):
    (folder / "squares.ipynb").rename(folder / "squares (1).ipynb")


def _folder(folder, course):
    (folder / "squares.ipynb").unlink()
    (folder / "squares.ipynb").mkdir()


def _pipe(folder, course):
    (folder / "squares.ipynb").unlink()
    os.mkfifo(folder / "squares.ipynb")


def _loop(folder, course):
    (folder / "squares.ipynb").unlink()
    (folder / "squares.ipynb").symlink_to(folder / "squares.ipynb")


def _unreadable_time(folder, course):
    (folder / "timestamp.txt").write_text("tomorrow, at noon\0\n" * 1000)


def _deep_folders(folder, course):
    deep = folder
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")


def _cells(change):
    def edit(notebook):
        for cell in notebook["cells"]:
            change(cell)

    return edit


CONTENTS = {
    "not JSON": "this is not JSON",
    "empty": "",
    "cut short": '{"cells": [{"cell_type": "code", "sou',
    "nested deeply": "[" * 200_000,
    "nested deeply inside": '{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "not text": b"\xff\xfe\x00\x80" * 100,
    "a list": [],
    "a number": 7,
    "no cells": {"nbformat": 4, "nbformat_minor": 5, "metadata": {}},
    "cells that are no list": {"cells": {"a": 1}, "nbformat": 4, "metadata": {}},
    "cells that are no cells": {"cells": [1, None, "x", [], {}], "nbformat": 4, "metadata": {}},
    "a format to come": {"cells": [], "nbformat": 99, "metadata": {}},
    "an old format": {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code"}]}]},
    "an old format, empty": {"nbformat": 3, "worksheets": []},
    "an endless number": '{"cells": ' + "9" * 1_000_000 + "}",
    "many cells": {
        "cells": [{"cell_type": "code", "source": "1", "metadata": {}}] * 5000,
        "nbformat": 4,
    },
}

EDITS = {
    "sources that are numbers": _cells(lambda c: c.update(source=7)),
    "sources that are lists of lists": _cells(lambda c: c.update(source=[["a"], {"b": 1}])),
    "metadata that is a list": _cells(lambda c: c.update(metadata=[])),
    "ids that are lists": _cells(lambda c: c.update(metadata={"nbgrader": {"grade_id": []}})),
    "marks that are text": _cells(lambda c: c.update(metadata={"nbgrader": "yes"})),
    "cell types that are lists": _cells(lambda c: c.update(cell_type=["code"])),
    "half characters": _cells(lambda c: c.update(source="# \ud800 \0 \x1b[2J")),
    "very long sources": _cells(lambda c: c.update(source="#" * 300_000)),
}

PLACES = {
    "a huge notebook": _huge,
    "huge data": _huge_data,
    "too many files": _many_files,
    "no notebook": _missing,
    "a renamed notebook": _renamed,
    "a folder for a notebook": _folder,
    "a pipe for a notebook": _pipe,
    "a link to itself": _loop,
    "a strange time stamp": _unreadable_time,
    "folders in folders": _deep_folders,
}

ATTACKS = [
    *(Attack(name, place=_content(content)) for name, content in CONTENTS.items()),
    *(Attack(name, edit=edit) for name, edit in EDITS.items()),
    *(Attack(name, place=place) for name, place in PLACES.items()),
]

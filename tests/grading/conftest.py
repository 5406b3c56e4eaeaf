"""Grading's tests share a small course and the corpus of attacks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "attacks"))

"""The package behind the textbook *Deep networks as models of the brain*.

Each topic's kernels live in a module of the topic's name (`course_utils.lif`); what an
exercise's answer must do lives in `course_utils.checks`.
"""

__version__ = "0.1.0"

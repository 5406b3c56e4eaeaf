"""The exercises of `oja`, in the order of the assignment."""

from course_utils.checks._oja import hebbian_flow, oja_flow, oja_rule, sanger_rule

PARTS = (hebbian_flow.PART, oja_rule.PART, sanger_rule.PART, oja_flow.PART)

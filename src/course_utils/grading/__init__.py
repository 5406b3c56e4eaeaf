"""The instructor's side: grades nbgrader submissions fast, with student code and tests kept apart.

`inside` is all that runs within the sandbox; everything else runs outside it, beside the gradebook.
"""

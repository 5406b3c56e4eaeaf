"""What runs within the sandbox: the warm template, the student's side and the trusted side."""

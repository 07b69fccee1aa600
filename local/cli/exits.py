"""Exit codes of the `debate` command."""

OK = 0
FAILED = 1
"""The debate failed."""
REFUSED = 2
"""Wrong usage, or the API said no."""
UNREACHABLE = 3
"""No answer from the API."""
INTERRUPTED = 130

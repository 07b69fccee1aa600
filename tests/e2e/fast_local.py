"""`python -m local` with tests.e2e.fast_engine in the place of the transcribe worker."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from local import __main__ as launcher
from local import laptop
from local.stack import Stack, deploy


def _deploy(*arguments: Any) -> Stack:
    stack = deploy(*arguments)
    definitions = {
        name: replace(definition, command=("python", "-m", "tests.e2e.fast_engine"))
        if name.endswith("-transcribe")
        else definition
        for name, definition in stack.definitions.items()
    }
    return replace(stack, definitions=definitions)


if __name__ == "__main__":
    laptop.deploy = _deploy
    sys.exit(launcher.main())

"""What the launcher is doing, step by step, on the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


class Steps:
    """Prints each step when it is done, with its seconds; a spinner shows it until then."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the first step was thought of."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """A step; call what is yielded to say how far it is."""
        began = time.monotonic()
        with self.console.status(Text(name)) as status:

            def say(detail: str) -> None:
                status.update(Text(f"{name}: {detail}"))

            yield say
        self.console.print(f"  [green]✓[/] {name} [dim]{time.monotonic() - began:.1f} s[/]")

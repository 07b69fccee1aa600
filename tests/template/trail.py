"""Which lines that lead to AWS a piece of code has, and which of them were run.

A line leads to AWS when it calls a port (`self.table.get`), or something of ours that does, found
by name among what its module imports. What a program may call can then be read off a run: in every
function that it entered, every such line was run. Where one was not, the run has to be longer, or
somebody says why not.
"""

from __future__ import annotations

import ast
import functools
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from botocore.client import BaseClient

from debate_analyzer import ports
from tests.world import ROOT

_make_api_call = BaseClient._make_api_call
_DOMAIN = ROOT / "layers" / "shared" / "debate_analyzer"
SOURCES = [
    *sorted(_DOMAIN.glob("*.py")),
    *sorted((ROOT / "functions").glob("*/handler.py")),
    *sorted((ROOT / "batch_images").glob("*/job.py")),
]
_PORTS = {name for name, value in vars(ports).items() if getattr(value, "_is_protocol", False)}


@dataclass
class Trail:
    """Lines that were run and functions that were entered, by file and line."""

    lines: set[tuple[str, int]] = field(default_factory=set)
    entered: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def followed() -> Iterator[Trail]:
    """What runs in the block, in all its threads."""
    trail = Trail()
    files = {str(path) for path in SOURCES}

    def step(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in files:
            return None
        if event == "call":
            trail.entered.add((code.co_filename, code.co_firstlineno))
        else:
            trail.lines.add((code.co_filename, frame.f_lineno))
        return step

    before = sys.gettrace()
    threading.settrace(step)
    sys.settrace(step)
    try:
        with mock.patch.object(BaseClient, "_make_api_call", _unfollowed):
            yield trail
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]


def _unfollowed(client: BaseClient, *call: Any) -> Any:
    """A call to AWS: nothing of ours runs in there, and to be asked at each of its steps takes
    half of the time."""
    step = sys.gettrace()
    sys.settrace(None)
    try:
        return _make_api_call(client, *call)
    finally:
        sys.settrace(step)


def untaken(trail: Trail) -> set[str]:
    """The lines that lead to AWS and were passed by, as `module.function: the line`."""
    return {
        f"{scope.module}.{scope.name}: {text}"
        for scope in _scopes()
        if (scope.file, scope.line) in trail.entered
        for text, line, in_lambda in scope.ways
        if (scope.file, line) not in trail.lines
        or (in_lambda and (scope.file, in_lambda) not in trail.entered)
    }


def unentered(trails: Iterable[Trail]) -> set[str]:
    """The functions that lead to AWS, or talk to it, and were entered on none of the trails."""
    entered = {where for trail in trails for where in trail.entered}
    return {
        f"{scope.module}.{scope.name}"
        for scope in _scopes()
        if (scope.ways or scope.module == "aws") and (scope.file, scope.line) not in entered
    }


@dataclass(frozen=True)
class _Scope:
    """A function's own code. `ways`: the lines that lead to AWS, each with its text, its number,
    and where the lambda begins that it stands in."""

    file: str
    module: str
    name: str
    line: int
    ways: tuple[tuple[str, int, int | None], ...]


@functools.cache
def _scopes() -> tuple[_Scope, ...]:
    trees = {path: ast.parse(path.read_text()) for path in SOURCES}
    held = {name for tree in trees.values() for name in _held_ports(tree)}
    leading: dict[Path, set[str]] = {path: set() for path in SOURCES}  # its functions that lead
    while True:
        known = {path: _seen_from(path, trees, leading) for path in SOURCES}
        found = {
            path: {
                node.name
                for node in _functions(tree)
                if any(_leads(call, held, known[path]) for call in ast.walk(node))
            }
            for path, tree in trees.items()
        }
        if found == leading:
            break
        leading = found
    return tuple(
        _scope(path, node, held, known[path])
        for path, tree in trees.items()
        for node in _functions(tree)
    )


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _seen_from(
    path: Path, trees: Mapping[Path, ast.AST], leading: Mapping[Path, set[str]]
) -> set[str]:
    """What leads to AWS among the names of a module and of all that it imports, near or far."""
    seen, ahead = set(), [path]
    while ahead:
        module = ahead.pop()
        if module not in seen and module in trees:
            seen.add(module)
            for node in ast.walk(trees[module]):
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
                    ahead += [_DOMAIN / f"{name.rpartition('.')[2]}.py" for name in names]
    return {name for module in seen for name in leading[module]}


def _held_ports(tree: ast.AST) -> Iterator[str]:
    """Names of fields and parameters that are declared to hold a port."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name, annotation = node.target.id, node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            name, annotation = node.arg, node.annotation
        else:
            continue
        if {word.id for word in ast.walk(annotation) if isinstance(word, ast.Name)} & _PORTS:
            yield name


def _leads(node: ast.AST, held: set[str], leading: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Attribute):
        return _last(called.value) in held or called.attr in leading
    return isinstance(called, ast.Name) and called.id in leading


def _last(node: ast.expr) -> str | None:
    """`table` of `self.table`, `queues` of `self.queues[name]`."""
    if isinstance(node, ast.Subscript):
        return _last(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _scope(path: Path, node: ast.FunctionDef, held: set[str], leading: set[str]) -> _Scope:
    text = path.read_text().splitlines()
    ways = {
        (text[call.lineno - 1].strip(), call.lineno, in_lambda)
        for call, in_lambda in _own(node)
        if isinstance(call, ast.Call) and _leads(call, held, leading)
    }
    begins = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    module = (
        path.parent.name
        if path.stem in ("handler", "job") and path.parent != _DOMAIN
        else path.stem
    )
    return _Scope(str(path), module, node.name, begins, tuple(sorted(ways, key=str)))


def _own(node: ast.AST, in_lambda: int | None = None) -> Iterator[tuple[ast.AST, int | None]]:
    """The nodes of a function with those of its lambdas, but not those of functions within."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef):
            inner = child.lineno if isinstance(child, ast.Lambda) else in_lambda
            yield child, inner
            yield from _own(child, inner)

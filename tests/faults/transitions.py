"""`docs/transitions.md`, from the code: `python -m tests.faults.transitions` writes it."""

from __future__ import annotations

from debate_analyzer.pipeline import ENDS, STAGES, TRANSITIONS, Status, stage_of
from tests.world import ROOT

PATH = ROOT / "docs" / "transitions.md"

_HEAD = """# What may follow what

Made from `pipeline.TRANSITIONS` by `python -m tests.faults.transitions`; a test compares the two.
`job.Job` takes no other step, and every write of a row is conditional on the version that was
read, so of two who take a step at once one is refused. What a status means, and who writes it,
says `architecture.md`; that every status leads to an end, `reliability.md`.

A row that stays as it is (●) is renewed, shown elsewhere, or queued once more. A further attempt
leads from a running status back to its queue. An end is left only by new content or because
somebody asked for it, and `DELETED` never.
"""


def document() -> str:
    """The page as it ought to be."""
    return "\n".join([_HEAD, *_table(), "", "```mermaid", *_diagram(), "```", ""])


def _table() -> list[str]:
    statuses = list(Status)
    head = ["from \\ to", *(f"`{status}`" for status in statuses)]
    rows = [head, ["---", *(":-:" for _ in statuses)]]
    rows += [[f"`{before}`", *(_mark(before, after) for after in statuses)] for before in statuses]
    return [f"| {' | '.join(row)} |" for row in rows]


def _mark(before: Status, after: Status) -> str:
    if after not in TRANSITIONS[before]:
        return " "
    return "●" if before is after else "→"


def _diagram() -> list[str]:
    """Without the three ends that every open status may come to, and without what stays."""
    everywhere = ENDS - {Status.COMPLETE}
    lines = ["stateDiagram-v2", f"    [*] --> {Status.UPLOADING}"]
    for name, stage in STAGES.items():
        inside = [status for status in Status if stage_of(status) is stage]
        lines += [f"    state {name} {{", *(f"        {status}" for status in inside), "    }"]
    for before in Status:
        for after in sorted(TRANSITIONS[before] - everywhere - {before}):
            lines.append(f"    {before} --> {after}")
    return [*lines, *(f"    {end} --> [*]" for end in Status if end in ENDS)]


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")

"""Whether the 95 % intervals hold the truth: `python -m benchmarks.statistics.coverage`.

Debates are simulated (`benchmarks.statistics.simulation`), heard, and counted as every transcript
is. What the intervals of `this_debate` should hold are the figures of the same debate before it was
misheard; those of `such_debates`, the figures of the same people over fifty times as many turns,
for as many turns as each had. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from batch_images.stats.debate import Floats, read_debate
from batch_images.stats.exchange import find_responses
from batch_images.stats.questions import find_questions
from batch_images.stats.reader import Document
from batch_images.stats.turns import find_overlap_starts, find_turns, find_utterances
from batch_images.stats.uncertainty import Events, Uncertainties, estimate
from batch_images.stats.uncertainty.observed import OVERLAP_STARTS, Observed
from batch_images.stats.wording import Wording
from benchmarks.machine import describe
from benchmarks.statistics.simulation import Process, draw_debate, draw_process
from debate_analyzer.statistics import Bounds

DEBATES_OF_A_PROCESS = 4
QUESTIONS = ("this_debate", "such_debates")

_TIMES_AS_LONG = 50
_TURNS = (6_000, 60_000)
_COUNTS = ("speakingTime", "words", "questions", "fillers")  # grow with the number of turns
_ROUNDING = 1e-6
_BINS = (0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 1.0)

Truth = dict[str, dict[str, float]]  # by speaker, "" for the totals, and figure


@dataclass(frozen=True)
class Held:
    """Whether an interval held the truth. `turns`: how many the speaker had."""

    figure: str
    question: str
    turns: int
    held: bool


@dataclass(frozen=True)
class Said:
    """How sure a comparison was, and whether it was true."""

    figure: str
    question: str
    sureness: float
    true: bool


@dataclass
class Tally:
    """What was found in some debates."""

    held: list[Held] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


def observe(document: Document) -> Observed:
    """What the measures find in a transcript."""
    debate = read_debate(document)
    utterances = find_utterances(debate)
    starts = find_overlap_starts(utterances)
    turns = find_turns(debate, utterances, starts)
    return Observed(
        debate,
        turns,
        Events(
            overlap_starts=starts,
            questions=find_questions(debate, turns),
            fillers=Wording.of(debate).fillers(),
            responses=find_responses(turns),
        ),
    )


def run(debates: int, seed: int, change: Callable[[Process], Process] = lambda it: it) -> Tally:
    """Simulates so many debates, of a quarter as many processes."""
    tally = Tally()
    for number in range(-(-debates // DEBATES_OF_A_PROCESS)):
        generator = np.random.default_rng([seed, number])
        process = change(draw_process(generator))
        turns = int(np.clip(_TIMES_AS_LONG * process.turns, *_TURNS))
        forever = observe(draw_debate(process.longer(turns), generator).document())
        for _ in range(DEBATES_OF_A_PROCESS):
            said = draw_debate(process, generator)
            real, heard = observe(said.document()), observe(said.document(generator))
            found = estimate(
                heard.debate, heard.turns, heard.events, seed=int(generator.integers(2**63))
            )
            truth = {"this_debate": figures(real), "such_debates": expected(forever, real)}
            tally.held += held(heard, found, truth)
            tally.said += said_of_pairs(found, truth)
    return tally


def figures(observed: Observed) -> Truth:
    """The figures by speaker."""
    named = dict(zip(observed.debate.speakers, observed.figures, strict=True))
    return {**named, "": observed.totals}


def expected(forever: Observed, real: Observed) -> Truth:
    """The figures of a debate without end, for as many turns as each had in the real one."""
    turns = {name: len(rows) for name, rows in zip(real.debate.speakers, real.rows, strict=True)}
    names = forever.debate.speakers
    part = np.array([turns.get(name, 0) for name in names])
    part = part / np.maximum([len(rows) for rows in forever.rows], 1)
    truth: Truth = {}
    for name, factor, always in zip(names, part, forever.figures, strict=True):
        truth[name] = {
            figure: value * factor if figure in _COUNTS else value
            for figure, value in always.items()
        }
    totals = {
        figure: sum(truth[name][figure] for name in names) for figure in ("speakingTime", "words")
    }
    for name in names:
        truth[name]["speakingShare"] = truth[name]["speakingTime"] / totals["speakingTime"]
        truth[name]["wordShare"] = truth[name]["words"] / totals["words"]
    if forever.begun is not None:
        for name, begun in zip(names, forever.begun, strict=True):
            over = np.array([begun[rows].sum(axis=0) for rows in forever.rows])
            truth[name] |= dict(zip(OVERLAP_STARTS, part @ over, strict=True))
    for figure, values in (("silence", forever.silence), ("overlap", forever.overlap)):
        totals[figure] = part @ np.array([values[rows].sum() for rows in forever.rows])
    return truth | {"": totals}


def held(heard: Observed, found: Uncertainties, truth: dict[str, Truth]) -> Iterator[Held]:
    """Every interval against the truth. What nothing can be wrong with is no interval."""
    everybody = [
        (name, len(rows), uncertainties)
        for name, rows, uncertainties in zip(
            heard.debate.speakers, heard.rows, found.speakers, strict=True
        )
    ]
    for name, turns, uncertainties in [*everybody, ("", len(heard.turns), found.totals)]:
        for figure, uncertainty in uncertainties.items():
            for question in QUESTIONS:
                bounds: Bounds | None = getattr(uncertainty, question)
                true = truth[question].get(name, {}).get(figure)
                if bounds is None or true is None or bounds[0] == bounds[1] == true:
                    continue
                inside = bounds[0] - _ROUNDING <= true <= bounds[1] + _ROUNDING
                yield Held(figure if name else f"total {figure}", question, turns, inside)


def said_of_pairs(found: Uncertainties, truth: dict[str, Truth]) -> Iterator[Said]:
    """Every comparison against the truth."""
    for comparison in found.comparisons:
        for question in QUESTIONS:
            pair = [
                truth[question].get(name, {}).get(comparison.figure)
                for name in (comparison.more, comparison.less)
            ]
            sure = getattr(comparison, question)
            if sure is not None and pair[0] is not None and pair[1] is not None:
                yield Said(comparison.figure, question, sure, pair[0] > pair[1])


def coverage_table(tally: Tally, others: dict[str, Tally]) -> str:
    """By figure: the share of intervals that hold the truth, and of how many; then as much for
    debates that are not as the estimator takes them to be."""
    columns = [(question, tally) for question in QUESTIONS]
    heads = ["figure", "this debate", "of", "such debates", "of"]
    for name, other in others.items():
        columns += [(question, other) for question in QUESTIONS]
        heads += [f"{name}: this", "such"]
    lines = [_row(heads), _row("---" for _ in heads)]
    for figure in sorted({each.figure for each in tally.held}, key=lambda it: ("total" in it, it)):
        cells = [figure]
        for place, (question, which) in enumerate(columns):
            hits = [h.held for h in which.held if (h.figure, h.question) == (figure, question)]
            cells.append(_percent(hits))
            cells += [str(len(hits))] if place < len(QUESTIONS) else []
        lines.append(_row(cells))
    return "\n".join(lines)


def turns_table(tally: Tally) -> str:
    """By the number of turns that a speaker had, all figures together."""
    limits = (1, 8, 12, 20, 50, 100, 10**6)
    lines = [_row(["turns", "this debate", "of", "such debates", "of"]), _row(["---"] * 5)]
    for low, high in pairwise(limits):
        cells = [f"{low} to {high - 1}" if high < limits[-1] else f"{low} and more"]
        for question in QUESTIONS:
            hits = [
                h.held
                for h in tally.held
                if low <= h.turns < high and h.question == question and "total" not in h.figure
            ]
            cells += [_percent(hits), str(len(hits))]
        lines.append(_row(cells))
    return "\n".join(lines)


def reliability_table(tally: Tally) -> str:
    """Of the comparisons made with so much sureness, how many were true."""
    spans = list(pairwise(_BINS))
    heads = [f"{low:g} to {high:g}" for low, high in spans]
    lines = [_row(["figure", "question", *heads]), _row("---" for _ in range(len(spans) + 2))]
    names = sorted({said.figure for said in tally.said})
    for question in QUESTIONS:
        for figure in [*names, "all"]:
            cells = [figure, question]
            for low, high in spans:
                made = [
                    said
                    for said in tally.said
                    if said.question == question
                    and figure in (said.figure, "all")
                    and (low <= said.sureness < high or said.sureness == high == _BINS[-1])
                ]
                mean = float(np.mean([said.sureness for said in made])) if made else 0.0
                true = _percent([said.true for said in made])
                cells.append(f"{true} ({100 * mean:.1f} of {len(made)})" if made else "—")
            lines.append(_row(cells))
    return "\n".join(lines)


def _percent(hits: list[bool]) -> str:
    values: Floats = np.array(hits, float)
    return f"{100 * values.mean():.1f}" if hits else "—"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--debates", type=int, default=400, help="how many are simulated")
    parser.add_argument("--seed", type=int, default=4, help="another one gives other debates")
    arguments = parser.parse_args()
    tally = run(arguments.debates, arguments.seed)
    quarter = arguments.debates // 4
    others = {
        "lengths persist": run(
            quarter, arguments.seed, lambda process: replace(process, persistence=0.5)
        ),
        "errors are Laplace": run(
            quarter, arguments.seed, lambda process: replace(process, noise="laplace")
        ),
    }
    print(f"{arguments.debates} debates, {quarter} of each other kind; {describe()}\n")
    print(coverage_table(tally, others), turns_table(tally), reliability_table(tally), sep="\n\n")


if __name__ == "__main__":
    main()

"""Debates whose truth is known: a process that people speak by, a debate of it, and what is heard.

A process knows more than the estimator assumes: turns are made of utterances and pauses, listeners
say "mhm" and interject, rates of words, fillers and questions differ from turn to turn. What is
heard of a debate is its transcript with every boundary of speech off by a little and with some
utterances that nobody can be given. The truth is found by the same definitions
(`batch_images.stats.turns`): in the debate itself before it is misheard, and in one that goes on
for far longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from batch_images.stats.reader import Document, Segment, Turn, Word

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Noise = Literal["uniform", "laplace"]

COLLAR_SECONDS = 0.25
_UTTERANCE_SECONDS = 3.5


@dataclass(frozen=True)
class Person:
    """Seconds, events a minute, and how much a rate scatters from turn to turn (`uneven`: the
    variance of its factor, whose mean is 1)."""

    turn_median: float
    turn_sigma: float
    words_a_second: float
    pause_median: float
    latency_median: float
    backchannels_a_minute: float
    interjections_a_minute: float
    fillers_a_minute: float
    question_share: float
    uneven: float
    confidence: float


@dataclass(frozen=True)
class Process:
    """`following[i, j]`: probability that j speaks after i. `persistence`: the correlation of the
    lengths (logarithms) of turns that follow each other, 0 where the estimator is right."""

    people: tuple[Person, ...]
    following: Floats
    turns: int
    unassigned: float
    persistence: float = 0.0
    noise: Noise = "uniform"

    def longer(self, turns: int) -> Process:
        """The same people for more turns."""
        return replace(self, turns=turns)


@dataclass(frozen=True)
class Debate:
    """What was said: a row an utterance, whose words are `words[first[row]:first[row + 1]]`."""

    process: Process
    speaker: Integers
    start: Floats
    end: Floats
    first: Integers
    word_start: Floats
    word_end: Floats
    probability: Floats
    filler: npt.NDArray[np.bool_]
    question: npt.NDArray[np.bool_]

    def document(self, generator: np.random.Generator | None = None) -> Document:
        """Its transcript: as it was, or with a generator as it is heard."""
        nobody = np.zeros(len(self.speaker), bool)
        start, end = self.start, self.end
        if generator is not None:
            nobody = generator.random(len(self.speaker)) < self.process.unassigned
            start = start + _errors(self.process.noise, generator, len(start))
            end = end + _errors(self.process.noise, generator, len(end))
        start = np.maximum(start, 0.0)
        texts = np.where(self.filler, "um", "word").tolist()
        for last in self.first[1:][self.question].tolist():
            texts[last - 1] += "?"
        words = [
            Word(*word)
            for word in zip(
                self.word_start.tolist(),
                self.word_end.tolist(),
                texts,
                self.probability.tolist(),
                strict=True,
            )
        ]
        return Document(
            duration=float(self.end.max()) + 1.0,
            transcription=[
                Segment(
                    start=row[0],
                    end=row[1],
                    text=" ".join(texts[row[3] : row[4]]),
                    speaker=None if row[5] else name(row[2]),
                    words=words[row[3] : row[4]],
                )
                for row in zip(
                    self.start.tolist(),
                    self.end.tolist(),
                    self.speaker.tolist(),
                    self.first[:-1].tolist(),
                    self.first[1:].tolist(),
                    nobody.tolist(),
                    strict=True,
                )
            ],
            turns=[
                Turn(start=row[0], end=row[1], speaker=name(row[2]))
                for row in zip(start.tolist(), end.tolist(), self.speaker.tolist(), strict=True)
                if row[1] > row[0]
            ],
            language="en",
        )


def name(person: int) -> str:
    """As in a transcript."""
    return f"SPEAKER_{person:02d}"


def _errors(noise: Noise, generator: np.random.Generator, size: int) -> Floats:
    if noise == "laplace":  # of the same variance
        return generator.laplace(0.0, COLLAR_SECONDS / np.sqrt(6), size)
    return generator.uniform(-COLLAR_SECONDS, COLLAR_SECONDS, size)


def draw_process(generator: np.random.Generator) -> Process:
    """Two to six people for eight minutes to three hours."""
    count = int(generator.integers(2, 7))
    pace = float(np.exp(generator.uniform(np.log(4.0), np.log(25.0))))
    minutes = float(np.exp(generator.uniform(np.log(8.0), np.log(180.0))))
    following = generator.dirichlet(np.full(count, 2.0), size=count)
    np.fill_diagonal(following, 0.02)
    people = tuple(_person(generator, pace) for _ in range(count))
    # Half as long again as the median: turns are skewed, and have pauses in them.
    mean = 1.5 * np.mean([person.turn_median for person in people])
    return Process(
        people=people,
        following=following / following.sum(axis=1, keepdims=True),
        turns=int(np.clip(60 * minutes / mean, 12, 1500)),
        unassigned=float(generator.choice([0.0, 0.02, 0.08])),
    )


def _person(generator: np.random.Generator, pace: float) -> Person:
    def about(median: float, scatter: float) -> float:
        return float(median * np.exp(scatter * generator.standard_normal()))

    return Person(
        turn_median=about(pace, 0.4),
        turn_sigma=float(generator.uniform(0.5, 1.1)),
        words_a_second=about(2.6, 0.12),
        pause_median=about(0.6, 0.2),
        latency_median=about(0.5, 0.3),
        backchannels_a_minute=about(0.6, 0.6),
        interjections_a_minute=about(0.25, 0.6),
        fillers_a_minute=about(1.5, 0.7),
        question_share=float(generator.uniform(0.02, 0.2)),
        uneven=float(generator.uniform(0.1, 0.6)),
        confidence=float(generator.uniform(0.8, 0.97)),
    )


def draw_debate(process: Process, generator: np.random.Generator) -> Debate:
    """One debate of as many turns as the process has."""
    floor = _floor(process, generator)
    traits = {
        trait: np.array([getattr(person, trait) for person in process.people])
        for trait in Person.__dataclass_fields__
    }
    lengths = np.exp(
        np.log(traits["turn_median"])[floor]
        + traits["turn_sigma"][floor] * _deviations(process, floor, generator)
    )
    utterances = 1 + generator.poisson(lengths / _UTTERANCE_SECONDS)
    turn = np.repeat(np.arange(len(floor)), utterances)
    first = np.concatenate([[0], np.cumsum(utterances)])
    parts = generator.gamma(2.0, size=len(turn))
    parts *= (lengths / np.add.reduceat(parts, first[:-1]))[turn]
    pauses = traits["pause_median"][floor][turn] * np.exp(
        0.5 * generator.standard_normal(len(turn))
    )
    pauses[first[:-1]] = 0.0  # before the first utterance is the latency
    since = np.cumsum(pauses + parts)
    since -= (since - pauses - parts)[first[:-1]][turn]
    durations = since[first[1:] - 1]
    latencies = _latencies(floor, durations, traits, generator)
    begun = np.cumsum(latencies) + np.concatenate([[0.0], np.cumsum(durations)[:-1]]) + 2.0
    end = begun[turn] + since
    start = end - parts
    listener, said, until = _listeners(floor, begun, durations, traits, generator)
    return _with_words(
        process,
        np.concatenate([floor[turn], listener]),
        np.concatenate([start, said]),
        np.concatenate([end, until]),
        np.concatenate([turn, len(floor) + np.arange(len(listener))]),
        traits,
        generator,
    )


def _floor(process: Process, generator: np.random.Generator) -> Integers:
    """Who has the floor, turn by turn: a Markov chain."""
    limits = np.cumsum(process.following, axis=1).tolist()
    chances = generator.random(process.turns).tolist()
    speaker, floor = 0, []
    for chance in chances:
        speaker = min(int(np.searchsorted(limits[speaker], chance)), len(limits) - 1)
        floor.append(speaker)
    return np.array(floor)


def _deviations(process: Process, floor: Integers, generator: np.random.Generator) -> Floats:
    """Of the turns' log lengths, in standard deviations; long turns follow long turns of the same
    person where lengths persist."""
    fresh = generator.standard_normal(len(floor))
    for person in range(len(process.people)) if process.persistence else ():
        rows = np.flatnonzero(floor == person)
        for before, row in pairwise(rows.tolist()):
            carried = process.persistence * fresh[before]
            fresh[row] = carried + np.sqrt(1 - process.persistence**2) * fresh[row]
    return fresh


def _latencies(
    floor: Integers, durations: Floats, traits: dict[str, Floats], generator: np.random.Generator
) -> Floats:
    """Shifted lognormal, sometimes below zero; the same person goes on after a long silence."""
    spread = np.exp(0.6 * generator.standard_normal(len(floor)))
    latencies = (traits["latency_median"][floor] + 0.5) * spread - 0.5
    early = generator.random(len(floor)) < 0.15
    latencies = np.where(early, -generator.gamma(2.0, 0.4, len(floor)), latencies)
    shorter = np.minimum(durations, np.concatenate([[0.0], durations[:-1]]))
    latencies = np.maximum(latencies, -0.7 * shorter)
    again = np.concatenate([[False], floor[1:] == floor[:-1]])
    return np.where(again, 2.6 + generator.exponential(1.0, len(floor)), latencies)


def _listeners(
    floor: Integers,
    begun: Floats,
    durations: Floats,
    traits: dict[str, Floats],
    generator: np.random.Generator,
) -> tuple[Integers, Floats, Floats]:
    """What those say who do not have the floor: (who, from, until)."""
    rows: list[tuple[Integers, Floats, Floats]] = []
    for person in range(len(traits["uneven"])):
        uneven = traits["uneven"][person]
        others = np.where(floor == person, 0.0, durations / 60)
        for kind, shortest, longest in (
            ("backchannels_a_minute", 0.3, 0.9),
            ("interjections_a_minute", 1.0, 2.5),
        ):
            mean = traits[kind][person] * others * generator.gamma(1 / uneven, uneven, len(floor))
            turn = np.repeat(np.arange(len(floor)), generator.poisson(mean))
            length = generator.uniform(shortest, longest, len(turn))
            fits = length < 0.6 * durations[turn]
            turn, length = turn[fits], length[fits]
            place = generator.random(len(turn)) * (0.9 * durations[turn] - length)
            said = begun[turn] + 0.1 * durations[turn] + place
            rows.append((np.full(len(turn), person), said, said + length))
    return (
        np.concatenate([row[0] for row in rows]),
        np.concatenate([row[1] for row in rows]),
        np.concatenate([row[2] for row in rows]),
    )


def _with_words(
    process: Process,
    speaker: Integers,
    start: Floats,
    end: Floats,
    turn: Integers,
    traits: dict[str, Floats],
    generator: np.random.Generator,
) -> Debate:
    turns = int(turn.max()) + 1
    owner = np.zeros(turns, np.int64)
    owner[turn] = speaker
    uneven = traits["uneven"][owner]
    pace = generator.gamma(25.0, 1 / 25.0, turns) * traits["words_a_second"][owner]
    counts = 1 + generator.poisson(np.maximum(pace[turn] * (end - start) - 1, 0.0))
    first = np.concatenate([[0], np.cumsum(counts)])
    row = np.repeat(np.arange(len(counts)), counts)
    step = ((end - start) / counts)[row]
    word_start = start[row] + (np.arange(len(row)) - first[:-1][row]) * step
    fillers = traits["fillers_a_minute"][owner] * generator.gamma(1 / uneven, uneven)
    per_word = np.minimum(fillers / 60 / pace, 0.9)
    questions = np.minimum(traits["question_share"][owner] * generator.gamma(1 / uneven, uneven), 1)
    sureness = np.clip(traits["confidence"][owner] + 0.04 * generator.standard_normal(turns), 0, 1)
    return Debate(
        process=process,
        speaker=speaker,
        start=start,
        end=end,
        first=first,
        word_start=word_start,
        word_end=word_start + step,
        probability=np.clip(generator.beta(9.0, 1.0, len(row)) / 0.9 * sureness[turn][row], 0, 1),
        filler=generator.random(len(row)) < per_word[turn][row],
        question=generator.random(len(counts)) < questions[turn],
    )

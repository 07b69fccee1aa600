"""Draws for `such_debates`: where figures would tend to, did the same people speak as often again.

What is seen is one such debate, misheard: its turns vary as they were heard, so errors of
boundaries are in their scatter already, and only the bias that they give is taken away.
"""

from __future__ import annotations

import numpy as np

from batch_images.stats.debate import Floats
from batch_images.stats.uncertainty.draws import DRAWS, Draws, ratio
from batch_images.stats.uncertainty.observed import OVERLAP_STARTS, Observed
from batch_images.stats.uncertainty.rehearing import Rehearing
from batch_images.stats.uncertainty.resampling import (
    Turnover,
    expected_counts,
    median,
    variance_of_sum,
    without_design_effect,
)
from batch_images.stats.uncertainty.unassigned import seconds_a_word

LEAST_STRETCHES = 8  # of a speaker: with fewer, intervals hold less than they promise


class Process:
    """What several figures share. `given`: see `measurement.draw_speakers`."""

    def __init__(
        self,
        observed: Observed,
        rehearing: Rehearing,
        given: Floats,
        generator: np.random.Generator,
    ) -> None:
        self.observed, self.rehearing, self.given = observed, rehearing, given
        self.generator = generator
        self.people = range(len(observed.debate.speakers))
        self.turns = [self._by_stretch(np.ones(len(observed.turns)), who) for who in self.people]
        self.speech = [self._by_stretch(observed.turns.speech, who) for who in self.people]
        self.turnover = [
            Turnover(len(speech), generator, DRAWS)
            if np.count_nonzero(speech) >= LEAST_STRETCHES
            else None
            for speech in self.speech
        ]
        time = observed.debate.speaking_time
        logs = self._logs(observed.turns.speech) + self._correction("speakingTime", time)
        self.time = time * np.exp(logs) + seconds_a_word(observed.debate) * given
        logs = self._logs(observed.turns.words.astype(np.float64))
        self.words = (observed.debate.word_counts + given) * np.exp(logs)
        self.counts = self._counts()
        self.overlap_starts = self._overlap_starts()

    def _by_stretch(self, values: Floats, person: int) -> Floats:
        return self.observed.by_stretch(person, values)

    def _logs(self, values: Floats) -> Floats:
        """Draws of the logarithm of a speaker's mean a turn, less that of these turns, shape
        (size, speakers). Who has too few turns is taken to have the scatter of the others: their
        part in shares and totals is small."""
        logs = np.zeros((DRAWS, len(self.people)))
        squares, freedom = 0.0, 0
        for person, turnover in enumerate(self.turnover):
            own = self._by_stretch(values, person)
            if turnover is not None and own.any():
                logs[:, person] = turnover.log_ratio(own, self.turns[person])
                squares += ((own / own.mean() - 1) ** 2).sum()
                freedom += len(own) - 1
        scatter = np.sqrt(squares / freedom) if freedom else 0.0
        for person, turnover in enumerate(self.turnover):
            if turnover is None and (stretches := len(self.turns[person])):
                noise = self.generator.standard_normal(DRAWS)
                logs[:, person] = scatter / np.sqrt(stretches) * noise
        return logs

    def _bias(self, figure: str) -> Floats:
        """Draws of by how much errors of boundaries raise a figure, shape (size, …): perhaps not at
        all, perhaps by twice what hearing it again tells."""
        bias = self.rehearing.bias[figure]
        chance = self.generator.uniform(0.0, 2.0, DRAWS)
        return np.multiply.outer(chance, np.nan_to_num(bias))

    def _correction(self, figure: str, heard: Floats | float) -> Floats:
        """Draws of what to add to the logarithm of a figure for it."""
        moved = np.nan_to_num(ratio(self._bias(figure), np.asarray(heard)))
        return -np.log1p(np.clip(moved, -0.5, 1.0))

    def speakers(self) -> list[Draws]:
        """By speaker."""
        return [
            self._speaker(person, turnover) if turnover is not None else {}
            for person, turnover in enumerate(self.turnover)
        ]

    def _speaker(self, person: int, turnover: Turnover) -> Draws:
        observed, figures = self.observed, self.observed.figures[person]
        turns, time = observed.turns, figures["speakingTime"]
        draws = {figure: values[:, person] for figure, values in self.overlap_starts.items()}
        draws["speakingTime"] = self.time[:, person]
        draws["speakingShare"] = ratio(self.time[:, person], self.time.sum(axis=1))
        lengths = self._by_stretch(turns.duration, person)
        logs = turnover.log_ratio(lengths, self.turns[person])
        logs += self._correction("meanTurn", figures["meanTurn"])[:, person]
        draws["meanTurn"] = figures["meanTurn"] * np.exp(logs)
        draws["medianTurn"] = self._median(
            "medianTurn", person, turns.duration[observed.rows[person]], len(lengths)
        )
        if len(latencies := observed.latencies(person)) >= LEAST_STRETCHES:
            draws["responseLatency"] = self._median(
                "responseLatency", person, latencies, len(latencies)
            )
        words = self._by_stretch(turns.words.astype(np.float64), person)
        if np.count_nonzero(words) >= LEAST_STRETCHES:
            draws |= {figure: values[:, person] for figure, values in self.counts.items()}
            draws["words"] = self.words[:, person]
            draws["wordShare"] = ratio(self.words[:, person], self.words.sum(axis=1))
            logs = turnover.log_ratio(words, self.speech[person])
            logs -= self._correction("speakingTime", time)[:, person]
            more = 1 + self.given[:, person] / words.sum()
            draws["wordsPerMinute"] = figures["wordsPerMinute"] * more * np.exp(logs)
            sure = self._by_stretch(observed.sureness, person)
            if "confidence" in figures and sure.any():
                logs = turnover.log_ratio(sure, words)
                draws["confidence"] = np.minimum(figures["confidence"] * np.exp(logs), 1.0)
        return draws

    def _median(self, figure: str, person: int, values: Floats, independent: int) -> Floats:
        draws = median(values, independent, self.generator, DRAWS)
        return draws - self._bias(figure)[:, person]

    def _counts(self) -> Draws:
        """Of questions and fillers, shape (size, speakers)."""
        observed = self.observed
        more = 1 + self.given / np.maximum(observed.debate.word_counts, 1)
        draws: Draws = {}
        for figure, values in (("questions", observed.questions), ("fillers", observed.fillers)):
            if values is not None:
                draws[figure] = more * self._expected(values, self.turns)
        if observed.fillers is not None:
            expected = more * self._expected(observed.fillers, self.speech)
            draws["fillersPerMinute"] = ratio(60 * expected, observed.debate.speaking_time)
        return draws

    def _expected(self, values: Floats, exposure: list[Floats]) -> Floats:
        """Draws of expected counts for as many turns, or as much speech."""
        counts = [self._by_stretch(values, person) for person in self.people]
        variances = map(variance_of_sum, counts, exposure)
        sums = np.array([each.sum() for each in counts])
        return expected_counts(sums, np.array([*variances]), self.generator, DRAWS)

    def _overlap_starts(self) -> Draws:
        """Likewise, for as many turns of those who are spoken over."""
        if (begun := self.observed.begun) is None:
            return {}
        doubt = 1.5 * (self.rehearing.bias["overlapStarts"] - self._bias("overlapStarts"))
        misheard = self.rehearing.without["overlapStarts"] + doubt - begun.sum(axis=1)
        draws: Draws = {}
        for kind, figure in enumerate(OVERLAP_STARTS):
            counts = begun[:, :, kind].sum(axis=1)
            variances = [
                sum(
                    variance_of_sum(self._by_stretch(values, over), self.turns[over])
                    for over in self.people
                )
                for values in begun[:, :, kind]
            ]
            expected = expected_counts(counts, np.array(variances), self.generator, DRAWS)
            draws[figure] = np.maximum(expected + misheard[:, :, kind], 0.0)
        return draws

    def totals(self) -> Draws:
        """Of the whole debate."""
        observed = self.observed
        if not any(self.turnover):
            return {}
        draws = {
            "speakingTime": without_design_effect(self.time.sum(axis=1)),
            "words": without_design_effect(self.words.sum(axis=1)),
        }
        turns = np.concatenate(self.turns)
        turnover = Turnover(len(turns), self.generator, DRAWS)
        for figure, values in (("silence", observed.silence), ("overlap", observed.overlap)):
            seconds = np.concatenate([self._by_stretch(values, person) for person in self.people])
            if np.count_nonzero(seconds) >= LEAST_STRETCHES:
                logs = turnover.log_ratio(seconds, turns) + self._correction(figure, seconds.sum())
                draws[figure] = without_design_effect(seconds.sum() * np.exp(logs))
        return draws

"""A load: who asks for what in a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from cost.errors import UnknownLoad

DAYS_A_MONTH = 30.4
_WORDS = {"name", "title", "source", "assumed", "parameters"}
HOURS_A_MONTH = DAYS_A_MONTH * 24


@dataclass(frozen=True)
class Load:
    """Files are recordings of `minutes` and `mib` each.

    `files_a_start`: how many a transcribe worker does between its start and its end.
    `chunks` of a file are uploaded one by one through the recordings API; 0 for whole files.
    `api_requests` and `views_a_file` are a file's; a view fetches the share `watched_share` of the
    recording. `parameters` are those of the template that such a load wants changed, retention
    among them. `spot_share` (0 to 1) and `real_time_factor`, when given, take the place of what the
    template's choices come to. `assumed` names fields that no source says.
    """

    name: str
    title: str
    files_a_day: float
    minutes: float
    mib: float
    files_a_start: float
    stats_files_a_start: float
    api_requests: float
    views_a_file: float
    watched_share: float
    users: float
    source: str = ""
    spike_files_a_day: float = 0.0
    spike_days: float = 0.0
    chunks: float = 0.0
    parameters: Mapping[str, str] = field(default_factory=dict)
    spot_share: float | None = None
    real_time_factor: float | None = None
    assumed: tuple[str, ...] = ()

    @property
    def files_a_month(self) -> float:
        """Spikes take the place of ordinary days."""
        ordinary = self.files_a_day * (DAYS_A_MONTH - self.spike_days)
        return ordinary + self.spike_files_a_day * self.spike_days

    @property
    def busiest_day_files(self) -> float:
        return max(self.files_a_day, self.spike_files_a_day if self.spike_days else 0.0)

    @property
    def audio_hours(self) -> float:
        """Of a month."""
        return self.files_a_month * self.minutes / 60

    @property
    def gib_a_month(self) -> float:
        """Of recordings that arrive."""
        return self.files_a_month * self.mib / 1024

    def changed(self, changes: Mapping[str, float]) -> Load:
        """A copy with other numbers. Raises UnknownLoad for a field that a load has not."""
        numbers = {each.name for each in fields(self)} - _WORDS
        unknown = sorted(set(changes) - numbers)
        if unknown:
            raise UnknownLoad(
                f"A load has no {', '.join(unknown)}. It has {', '.join(sorted(numbers))}."
            )
        return _checked(replace(self, **dict(changes)))  # type: ignore[arg-type]


def read_loads(document: Mapping[str, Any]) -> dict[str, Load]:
    """From parsed TOML. `files_a_month` may stand for `files_a_day`."""
    return {name: _load(name, dict(table)) for name, table in document.items()}


def _load(name: str, table: dict[str, Any]) -> Load:
    if "files_a_month" in table:
        table["files_a_day"] = table.pop("files_a_month") / DAYS_A_MONTH
    table["assumed"] = tuple(table.get("assumed", ()))
    try:
        return _checked(Load(name=name, **table))
    except TypeError as error:
        raise UnknownLoad(f"Load {name}: {error}") from None


def _checked(load: Load) -> Load:
    for name in (each.name for each in fields(load)):
        value = getattr(load, name)
        if isinstance(value, int | float) and value < 0:
            raise UnknownLoad(f"Load {load.name}: {name} is {value}, below 0.")
    if load.files_a_start < 1 or load.stats_files_a_start < 1:
        raise UnknownLoad(f"Load {load.name}: a worker does at least one file a start.")
    if load.spot_share is not None and load.spot_share > 1:
        raise UnknownLoad(f"Load {load.name}: spot_share is {load.spot_share}, above 1.")
    if load.spike_days > DAYS_A_MONTH:
        raise UnknownLoad(f"Load {load.name}: more spike days than a month has.")
    return load

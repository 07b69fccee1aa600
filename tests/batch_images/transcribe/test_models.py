"""Another model than the worker's own: which one hears what, and which never gets near."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.transcribe.models import Models
from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from benchmarks.samples import on_disk, read_samples
from debate_analyzer.errors import Misconfigured, UnknownModel
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Turn, parse_transcript
from tests.batch_images.transcribe.engines import Script, Seats
from tests.world import TRANSCRIPT, VIDEO, World, silent_wav

OWN = "large-v3-turbo"
NAMED = (OWN, "small", "medium")
SPEECH = Path(__file__).with_name("test_recognition_speech")


@dataclass
class Weights(Script):
    """A Script that comes into memory and goes, and says which model it is."""

    loaded: bool = True

    def load(self) -> None:
        self.loaded = True

    def unload(self) -> None:
        self.loaded = False

    def hear(self, *arguments: Any, **options: Any) -> Any:
        assert self.loaded
        return super().hear(*arguments, **options)


@dataclass
class Store:
    """Where models come from; those whose names are `broken` cannot be loaded."""

    opened: dict[str, Weights] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def open(self, source: str) -> Weights:
        assert source not in self.opened
        assert not self.in_memory
        if source in self.broken:
            raise Misconfigured(f"{source} cannot be loaded")
        words = [SpokenWord(0.1, 0.5, f" {source}", 0.9)]
        self.opened[source] = Weights(words, provenance={"model": source})
        return self.opened[source]

    @property
    def in_memory(self) -> list[str]:
        return [source for source, weights in self.opened.items() if weights.loaded]


def _models(store: Store, folder: Path = Path("nowhere"), own: str = OWN) -> Models:
    return Models(own, NAMED, folder, store.open)


def test_the_worker_s_own_is_opened_once_however_often_it_is_asked_for() -> None:
    store = Store()
    models = _models(store)
    assert models.of(None) is models.of(None) is models.of(OWN)
    assert store.in_memory == [OWN]


@given(st.lists(st.sampled_from([None, *NAMED]), min_size=1))
def test_whatever_is_asked_for_in_whatever_order_it_alone_is_in_memory(
    wanted: list[str | None],
) -> None:
    store = Store()
    models = _models(store)
    for name in wanted:
        assert models.of(name).provenance == {"model": name or OWN}
        assert store.in_memory == [name or OWN]


@given(st.text().filter(lambda name: name not in NAMED))
def test_no_other_name_leads_anywhere(name: str) -> None:
    store = Store()
    models = _models(store)
    models.of(None)
    with pytest.raises(UnknownModel):
        models.of(name)
    assert list(store.opened) == store.in_memory == [OWN]


def test_where_none_are_named_there_is_only_the_own() -> None:
    store = Store()
    with pytest.raises(UnknownModel, match="none but"):
        Models(OWN, (), Path("nowhere"), store.open).of(OWN)


def test_a_folder_of_its_name_comes_before_what_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "whisper-small").mkdir()
    store = Store()
    models = _models(store, tmp_path, own=str(tmp_path / "whisper-small"))
    assert models.of("small") is models.of(None)
    assert models.of("medium").provenance == {"model": "medium"}


def test_the_own_comes_back_after_one_that_cannot_be_loaded() -> None:
    store = Store(broken={"small"})
    models = _models(store)
    models.of(None)
    with pytest.raises(Misconfigured):
        models.of("small")
    models.of(None)
    assert store.in_memory == [OWN]


# --- In the stage ---------------------------------------------------------------------------------


@dataclass
class Stage:
    """A worker with these models, in a world."""

    world: World
    lengths: Lengths = field(default_factory=lambda: Lengths(longest=3600, part=600))
    store: Store = field(default_factory=Store)
    seats: Seats = field(
        default_factory=lambda: Seats([Turn(start=0, end=1, speaker="SPEAKER_00")])
    )

    def __post_init__(self) -> None:
        self.models = _models(self.store)

    def arrive(self, seconds: int = 2) -> None:
        self.world.drop(VIDEO, silent_wav(seconds), "audio/wav")
        self.world.arrive()

    def work(self) -> None:
        process = TranscribeProcess(
            self.world.table,
            self.world.store,
            lambda model: Transcriber(self.models.of(model), self.seats),
            self.lengths,
            self.world.clock,
        )
        self.world.worker(process, linger=0.3).run()

    def retry(self, **asked: Any) -> None:
        """As the API has it."""
        job = self.world.job()
        unit = job.units["transcribe"]
        self.world.table.replace(job.ordered(**asked).queued(unit, self.world.clock()))
        self.world.dispatcher.send(unit)
        self.work()

    def heard_by(self) -> Any:
        found = self.world.store.get(TRANSCRIPT)
        assert found is not None
        return parse_transcript(found[0]).provenance["recognition"]["model"]


def test_a_debate_that_is_tried_again_is_heard_as_it_was_asked(world: World) -> None:
    stage = Stage(world)
    stage.arrive()
    stage.work()
    assert stage.heard_by() == OWN

    stage.retry(model="small", language="es", speakers=3)
    assert stage.heard_by() == "small"
    assert stage.store.opened["small"].asked == ["es"]
    assert stage.seats.asked == [None, 3]

    stage.retry(model=None, language="fr", speakers=None)
    assert stage.store.opened["small"].asked[-1] == "fr"


def test_the_next_debate_is_heard_by_the_own_again(world: World) -> None:
    stage = Stage(world)
    stage.arrive()
    stage.work()
    stage.retry(model="small", language=None, speakers=None)
    world.drop(VIDEO, silent_wav(3), "audio/wav")
    world.table.replace(world.job().model_copy(update={"model": None}))
    world.arrive()
    stage.work()
    assert stage.heard_by() == OWN
    assert stage.store.in_memory == [OWN]


def test_a_model_that_there_is_not_fails_with_a_sentence(world: World) -> None:
    stage = Stage(world)
    stage.arrive()
    world.table.replace(world.job().model_copy(update={"model": "../../etc/passwd"}))
    stage.work()
    job = world.job()
    assert (job.status, job.fault.code) == (Status.FAILED, "unknown_model")
    assert list(stage.store.opened) == []


def test_the_parts_of_a_long_one_are_heard_by_the_model_that_was_asked_for(world: World) -> None:
    stage = Stage(world, Lengths(longest=60, part=60))
    stage.arrive(seconds=130)
    world.table.replace(world.job().model_copy(update={"model": "small"}))
    stage.work()
    for stored in list(world.store.list(f"jobs/{world.job().job_id}/parts/")):
        world.arrive(stored.key)
    stage.work()
    assert world.job().status is Status.TRANSCRIBED
    assert stage.heard_by() == "small"
    assert list(stage.store.opened) == ["small"]


# --- Real weights ---------------------------------------------------------------------------------


@pytest.mark.models
def test_real_weights_come_and_go_and_hear_the_same_again(tmp_path: Path) -> None:
    base = Path(os.environ.get("MODELS_DIR", ".models"), "whisper-base").resolve()
    (tmp_path / "whisper-twin").symlink_to(base)
    opened: list[WhisperRecognizer] = []

    def open_(source: str) -> WhisperRecognizer:
        opened.append(WhisperRecognizer(source, device="cpu", compute_type="int8"))
        return opened[-1]

    models = Models(str(base), ("twin",), tmp_path, open_)

    def words(name: str | None) -> list[str]:
        with on_disk(read_samples(SPEECH / "english.opus")) as sound:
            blocks = models.of(name).hear(sound, language="en", on_progress=lambda _: None)
        return [w.text for block in blocks for part in block.stretches for w in part.words]

    first = words(None)
    assert models.of("twin").provenance["model"] == "whisper-twin"
    assert [each._model.model.model_is_loaded for each in opened] == [False, True]
    assert words("twin") == first
    assert words(None) == first
    assert [each._model.model.model_is_loaded for each in opened] == [True, False]

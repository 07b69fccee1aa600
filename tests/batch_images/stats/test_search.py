from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from batch_images.stats.job import StatsProcess
from debate_analyzer.caller import Caller
from debate_analyzer.edits import Edits, Rename
from debate_analyzer.key import edits_key
from debate_analyzer.search.finder import Finder, Hit, Question
from debate_analyzer.search.library import Library, OpenShards
from tests.batch_images.stats.test_job import FOREIGN, _run
from tests.world import JOB_ID, STATS, World


def search(world: World, text: str) -> list[Hit]:
    with ThreadPoolExecutor(2) as pool:
        library = Library(world.store, OpenShards(world.store, 1 << 20), pool)
        finder = Finder(world.table, library, pool)
        return finder.find(Question(text), Caller("anybody"), 10).hits


def test_what_was_counted_is_found_when_the_debate_is_complete(world: World) -> None:
    process = StatsProcess(world.table, world.store, world.publish_queue, world.clock)
    _run(world, process, FOREIGN)

    [hit] = search(world, '"good evening"')
    assert (hit.job.job_id, hit.start, hit.end, hit.speaker) == (JOB_ID, 0.0, 5.0, "A")
    assert world.job().searchable is not None


def test_edits_are_searched_with_the_debate_and_the_text_before_them_is_not(world: World) -> None:
    process = StatsProcess(world.table, world.store, world.publish_queue, world.clock)
    _run(world, process, FOREIGN)
    before = world.job().searchable
    edits = Edits().appended(
        [Rename(speaker="A", name="Ada Lovelace")], by="ana", at=world.clock(), transcript="x"
    )
    world.drop(edits_key(JOB_ID), edits.document(), "application/json")
    world.arrive(edits_key(JOB_ID))
    world.worker(process, stage=STATS, linger=0.3).run()

    [hit] = search(world, "evening")
    assert hit.speaker == "Ada Lovelace"
    assert world.job().searchable > before

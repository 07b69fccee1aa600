"""How fast the dashboard is, in a real browser: `python -m benchmarks.frontend`.

The table says what was asked for in docs/frontend.md (a budget), and what there is. Every round is
somebody who was never here: nothing is cached. The laptop sends files as they lie; scripts are
counted by gzip, as CloudFront sends them. Lighthouse, which slows the network down, gets them so,
and by the protocol of CloudFront.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from benchmarks.frontend import lighthouse, peer
from benchmarks.frontend.acts import ACTS, play, scroll, seek
from benchmarks.frontend.page import LONG_MS, Opened, memory, open_often, watch, while_doing
from benchmarks.frontend.site import HOURS, SEGMENTS, SPEAKERS, WORDS, Served, serving
from benchmarks.machine import describe
from local.server import Server
from tests.browser import FLAGS, WHOLE, find_chromium

HOME_READY = "document.querySelector('.upload-area .button-main')?.checkVisibility()"
DEBATE_READY = (
    "document.querySelector('.segment')?.checkVisibility()"
    " && document.querySelector('.speaker-table')?.checkVisibility()"
    " && document.querySelector('.drawing-track')?.checkVisibility()"
)
DEBATE_WHOLE = f"document.querySelectorAll('.segment').length === {SEGMENTS}"
PEER_READY = "window.isSetUp"
KILO = 1000


@dataclass(frozen=True)
class Row:
    """`budget` is empty for what is told without one."""

    what: str
    value: str
    budget: str = ""
    is_kept: bool = True


def home(browser: Browser, served: Served, rounds: int) -> Iterator[Row]:
    opened = open_often(browser, served.url, HOME_READY, rounds)
    yield _scripts("first page", opened, 60)
    yield _time("first page: upload can be clicked", opened.median_ready, 1_000)


def debate(browser: Browser, served: Served, rounds: int) -> Iterator[Row]:
    opened = open_often(browser, served.url + served.debate, DEBATE_READY, rounds, DEBATE_WHOLE)
    yield _scripts("debate page", opened, 120)
    yield _time("debate: transcript, lanes and figures are there", opened.median_ready)
    yield _time("debate: interactive", opened.median_interactive, 1_500)
    yield _time(f"debate: all {SEGMENTS:,} segments are there", opened.median_whole)
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    watch(page, DEBATE_READY)
    page.goto(served.url + served.debate)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2_000)
    for name, act in ACTS.items():
        busy = while_doing(page, act)
        value = f"{busy.count}, the longest {busy.longest:.0f} ms" if busy.count else "none"
        yield Row(f"debate, {name}: tasks over {LONG_MS} ms", value, "none", not busy.count)
    heap, nodes = memory(page)
    yield Row("debate: memory", f"{heap:.0f} MB of heap, {nodes:,} nodes")
    page.context.close()


def scores(served: Served, chromium: str) -> Iterator[Row]:
    for name, path in (("first page", "/"), ("debate", served.debate)):
        for scheme in ("light", "dark"):
            what = f"Lighthouse {lighthouse.VERSION}, {name}, {scheme}"
            try:
                report = lighthouse.measure(served.edge + path, served.pin, chromium, scheme)
            except lighthouse.NotMeasuredError as error:
                yield Row(what, f"not measured: {error}")
                continue
            value = ", ".join(f"{category} {score}" for category, score in report.scores.items())
            yield Row(what, value, "each 95", min(report.scores.values()) >= 95)
            parts = (f"{part.name} {part.value} ({part.score})" for part in report.parts)
            yield Row("its performance, of 100 each", ", ".join(parts))
            yield Row("what it would have otherwise", "; ".join(report.wants) or "nothing")


def compared(browser: Browser, served: Served, rounds: int) -> Iterator[Row]:
    title = f"hyperaudio-lite {peer.VERSION}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not peer.write(folder, served.transcript, served.recording):
            yield Row(title, "not to be had")
            return
        server = Server(0)
        files = StaticFiles(directory=folder / peer.ROOT, html=True)
        server.start(Starlette(routes=[Mount("/", files)]))
        opened = open_often(browser, server.url, PEER_READY, rounds)
        yield _scripts(title, opened)
        yield _time(f"{title}: transcript is there", opened.median_ready)
        yield _time(f"{title}: interactive", opened.median_interactive)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        watch(page, PEER_READY)
        page.goto(server.url)
        page.wait_for_timeout(2_000)
        acts = {
            "scrolling": lambda page: scroll(page, "#hypertranscript"),
            "seeking": lambda page: seek(page, "#hypertranscript span"),
            "playing": play,
        }
        for name, act in acts.items():
            busy = while_doing(page, act)
            value = f"{busy.count}, the longest {busy.longest:.0f} ms" if busy.count else "none"
            yield Row(f"{title}, {name}: tasks over {LONG_MS} ms", value)
        heap, nodes = memory(page)
        yield Row(f"{title}: memory", f"{heap:.0f} MB of heap, {nodes:,} nodes")
        page.context.close()
        server.stop()


def _scripts(what: str, opened: Opened, budget: int | None = None) -> Row:
    size = opened.scripts / KILO
    value = f"{size:.1f} kB in {opened.files} files"
    asked = f"{budget} kB" if budget else ""
    return Row(f"{what}: scripts, gzip", value, asked, budget is None or size <= budget)


def _time(what: str, milliseconds: float, budget: int | None = None) -> Row:
    asked = f"{budget:,} ms" if budget else ""
    return Row(what, f"{milliseconds:,.0f} ms", asked, budget is None or milliseconds <= budget)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="of which the median is told")
    parser.add_argument("--quick", action="store_true", help="no Lighthouse, no peer")
    args = parser.parse_args()
    chromium = find_chromium(WHOLE)
    if chromium is None:
        raise SystemExit("There is no Chromium here: make setup-test fetches one.")
    print(f"{describe()}; median of {args.rounds} rounds")
    print(f"{HOURS} hours, {WORDS:,} words, {SEGMENTS:,} segments, {SPEAKERS} speakers\n")
    print("| | | budget | |\n|---|---:|---:|---|")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        parts = [home(browser, served, args.rounds), debate(browser, served, args.rounds)]
        if not args.quick:
            parts += [compared(browser, served, args.rounds), scores(served, chromium)]
        for row in (row for part in parts for row in part):
            kept = ("✓" if row.is_kept else "✗") if row.budget else ""
            print(f"| {row.what} | {row.value} | {row.budget} | {kept} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()

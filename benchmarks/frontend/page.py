"""What one page costs, as the browser itself tells it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from playwright.sync_api import Browser, Page, Response

LONG_MS = 50
_QUIET_MS = 2_000
_PATIENCE_MS = 30_000

# Looks once a frame, so that a figure is right to a frame.
_WATCH = """
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      longTasks.push({ startTime, duration });
    }
  }).observe({ type: "longtask", buffered: true });
  const look = () => {
    if (document.body && (READY)) window.readyAt ??= performance.now();
    if (document.body && (WHOLE)) window.wholeAt = performance.now();
    else requestAnimationFrame(look);
  };
  look();
"""


@dataclass(frozen=True)
class Opened:
    """Milliseconds from the start of the navigation, of each round."""

    ready: Sequence[float]
    """What is wanted is on the screen."""
    interactive: Sequence[float]
    """And no long task stands before the next click: the last of them has ended."""
    whole: Sequence[float]
    """And so is what is out of sight."""
    scripts: int
    """Bytes of JavaScript that were asked for, each file by gzip."""
    files: int

    @property
    def median_ready(self) -> float:
        return median(self.ready)

    @property
    def median_interactive(self) -> float:
        return median(self.interactive)

    @property
    def median_whole(self) -> float:
        return median(self.whole)


def open_often(browser: Browser, url: str, ready: str, rounds: int, whole: str = "") -> Opened:
    """Each time by somebody who was never here; `ready` and then `whole` are expressions that
    become true."""
    seen: list[tuple[float, float, float]] = []
    scripts: dict[str, int] = {}
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        answers: list[Response] = []
        page.on("response", partial(_keep, answers))
        watch(page, ready, whole)
        page.goto(url)
        seen.append((_time_of(page, "readyAt"), _interactive_at(page), _time_of(page, "wholeAt")))
        for answer in answers:
            if "javascript" in answer.headers.get("content-type", ""):
                scripts[answer.url] = len(gzip.compress(answer.body(), 6))
        context.close()
    return Opened(
        ready=[ready for ready, _, _ in seen],
        interactive=[interactive for _, interactive, _ in seen],
        whole=[whole for _, _, whole in seen],
        scripts=sum(scripts.values()),
        files=len(scripts),
    )


def _keep(answers: list[Response], answer: Response) -> None:
    answers.append(answer)


def watch(page: Page, ready: str, whole: str = "") -> None:
    """To be called before the page is opened."""
    page.add_init_script(_WATCH.replace("READY", ready).replace("WHOLE", whole or ready))


def _wait(page: Page, expression: str) -> None:
    """Without the eval of Playwright's own, which the page's policy forbids."""
    for _ in range(_PATIENCE_MS // 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise TimeoutError(expression)


def _time_of(page: Page, name: str) -> float:
    _wait(page, f"window.{name} !== undefined")
    return float(page.evaluate(f"window.{name}"))


def _interactive_at(page: Page) -> float:
    """As Lighthouse's time to interactive has it: after it, nothing is long for two seconds."""
    end = "Math.max(window.readyAt, ...longTasks.map((each) => each.startTime + each.duration))"
    _wait(page, f"performance.now() > {end} + {_QUIET_MS}")
    return float(page.evaluate(end))


@dataclass(frozen=True)
class Busy:
    """Long tasks while something was done."""

    count: int
    longest: float


def while_doing(page: Page, act: Callable[[Page], None]) -> Busy:
    page.evaluate("longTasks.length = 0")
    act(page)
    page.wait_for_timeout(500)
    durations = page.evaluate("longTasks.map((each) => each.duration)")
    return Busy(len(durations), max(durations, default=0.0))


def memory(page: Page) -> tuple[float, int]:
    """Megabytes of the heap after a collection, and nodes of the document."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }
    return metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"])

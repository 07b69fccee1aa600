"""From a URL to a recording on disk, with yt-dlp, through `proxy.Proxy`.

What the site says is looked at before anything large is fetched, and the limits hold while it
comes: the proxy cuts off what is larger or slower than was said.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from yt_dlp import YoutubeDL
from yt_dlp.downloader import get_suitable_downloader
from yt_dlp.downloader.dash import DashSegmentsFD
from yt_dlp.downloader.hls import HlsFD
from yt_dlp.downloader.http import HttpFD
from yt_dlp.networking import Request
from yt_dlp.networking._requests import RequestsRH
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import GeoRestrictedError, UnsupportedError, YoutubeDLError

from batch_images.download.probe import probe
from batch_images.download.proxy import Proxy
from debate_analyzer.address import check_url
from debate_analyzer.demuxers import input_arguments
from debate_analyzer.errors import DebateError, DownloadFailed, InvalidAddress
from debate_analyzer.pipeline import MEDIA_SUFFIXES

logger = logging.getLogger(__name__)

_MIB = 2**20
_PAGES_BYTES = 64 * _MIB
_PAGES_SECONDS = 300
_MAX_SUBTITLES = 100
_PROGRESS_SECONDS = 15

# Others would have ffmpeg fetch, or a program that is not here; live ones have no end.
_NATIVE = (HttpFD, HlsFD, DashSegmentsFD)
_FETCHED = "[protocol~='^(https?|m3u8|m3u8_native|http_dash_segments)$']"
_SMUGGLED = "__youtubedl_smuggle"  # in a URL: yt-dlp's notes to itself, which no user may write

Report = Callable[[float], None]

_UPLOAD_INSTEAD = "Or download the recording in a browser and upload the file."


@dataclass(frozen=True)
class Limits:
    """Of one download. `recording_seconds` is how long a recording may play, `patience` how many
    seconds its download may take."""

    received_bytes: int = 5 * 2**30
    recording_seconds: float = 12 * 3600
    patience: float = 4 * 3600


@dataclass(frozen=True)
class Subtitles:
    """`language` as the site names it, `suffix` with its dot."""

    path: Path
    language: str
    suffix: str


@dataclass(frozen=True)
class Recording:
    """A file, and what the site says of it. `source_id` is the site's own name for it."""

    path: Path
    suffix: str
    title: str
    source_id: str
    subtitles: tuple[Subtitles, ...]


class Downloader:
    """Downloads into a folder that the caller removes. `report` is told how much has come, 0 to 1;
    what it raises ends the download."""

    def __init__(
        self, proxy: Proxy, limits: Limits, *, cookies: Path | None = None, report: Report
    ) -> None:
        self._proxy = proxy
        self._limits = limits
        self._cookies = cookies
        self._report = report

    def count(self, url: str, most: int) -> int:
        """How many recordings a playlist has, `most` at most; 1 for what is none.

        Raises InvalidAddress and DownloadFailed with a sentence.
        """
        with self._session(url, playlist_items=f"1:{most}", extract_flat="in_playlist") as session:
            found = session.extract_info(url, download=False)
        return len(list(_listed(found)))

    def fetch(self, url: str, folder: Path, *, entry: int | None = None) -> Recording:
        """The recording at `url`, or of a playlist the one whose number `entry` is, from 1.

        Raises InvalidAddress and DownloadFailed with a sentence.
        """
        wanted: dict[str, Any] = {"playlist_items": "1", "noplaylist": True}
        if entry is not None:
            wanted = {"playlist_items": str(entry), "extract_flat": "in_playlist"}
        with self._session(url, paths={"home": str(folder)}, **wanted) as session:
            info = self._find(session, url)
            self._admit(info)
            # A little more than the file itself: what is around it on the wire, and what is asked
            # for twice.
            received = (
                self._limits.received_bytes + self._limits.received_bytes // 20 + _PAGES_BYTES
            )
            self._proxy.allow(received=received, seconds=self._limits.patience)
            path = session.download(info)
            found = probe(path)
            _check_size(path.stat().st_size, self._limits.received_bytes)
            self._check_duration(found.duration)
            self._proxy.allow(received=_PAGES_BYTES, seconds=_PAGES_SECONDS)
            return Recording(
                path=path,
                suffix=path.suffix if path.suffix in MEDIA_SUFFIXES else found.suffix,
                title=str(info.get("title") or ""),
                source_id=str(info["id"]),
                subtitles=tuple(session.subtitles(info, path)),
            )

    @contextmanager
    def _session(self, url: str, **wanted: Any) -> Iterator[_Session]:
        """yt-dlp, allowed to read the site's pages; its errors become sentences."""
        if _SMUGGLED in check_url(url):
            raise InvalidAddress("The address has something in it that only looks like one.")
        self._proxy.allow(received=_PAGES_BYTES, seconds=_PAGES_SECONDS)
        watch = _Watch(self._limits.received_bytes, self._report)
        with _Session(self._options() | wanted, watch) as session:
            try:
                yield session
            except (YoutubeDLError, OSError) as error:
                raise self._reason(error) from error

    def _find(self, session: _Session, url: str) -> dict[str, Any]:
        """What the site says of the recording. The one that a playlist only names is asked for by
        itself, so that the others are left alone."""
        found = session.extract_info(check_url(url), download=False)
        entry = next(_listed(found), None)
        if entry is not None and entry.get("_type") in ("url", "url_transparent"):
            session.params.update(extract_flat=False, playlist_items="1")
            entry = session.process_ie_result(entry, download=False)
        recording = next(_entries(entry), None)
        if recording is None:
            raise DownloadFailed(f"There is no recording at this address. {_UPLOAD_INSTEAD}")
        return recording

    def _admit(self, info: Mapping[str, Any]) -> None:
        """What can be refused by what the site says of it."""
        if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            raise DownloadFailed(
                "This is a live stream. Come back when it is over and its recording is there."
            )
        self._check_duration(info.get("duration"))
        formats = info.get("requested_formats") or [info]
        sizes = [form.get("filesize") or form.get("filesize_approx") or 0 for form in formats]
        _check_size(sum(sizes), self._limits.received_bytes)

    def _check_duration(self, seconds: float | None) -> None:
        if seconds is not None and seconds > self._limits.recording_seconds:
            raise DownloadFailed(
                f"The recording plays for {_hours(seconds)}, and "
                f"{_hours(self._limits.recording_seconds)} is the most that is taken. "
                "Cut it into parts and upload them one by one."
            )

    def _options(self) -> dict[str, Any]:
        """https://github.com/yt-dlp/yt-dlp/blob/2026.10.26/yt_dlp/YoutubeDL.py, its docstring."""
        return {
            "proxy": self._proxy.url,
            "cookiefile": str(self._cookies) if self._cookies else None,
            "outtmpl": {"default": "%(autonumber)s.%(ext)s"},
            "format": f"bv*{_FETCHED}+ba{_FETCHED}/b{_FETCHED}/ba{_FETCHED}",
            "format_sort": ["res:1080", "ext:mp4:m4a"],
            "merge_output_format": "mp4/mkv",
            "writesubtitles": True,
            "subtitleslangs": ["all", "-live_chat"],
            "subtitlesformat": "vtt/srt/best",
            "socket_timeout": 30,
            "retries": 3,
            "fragment_retries": 3,
            "extractor_retries": 2,
            "skip_unavailable_fragments": False,  # a debate with holes in it is not the debate
            "external_downloader": {"default": "native"},
            "external_downloader_args": {"ffmpeg_i": input_arguments()},
            "postprocessor_args": {"ffmpeg_i": input_arguments()},
            "ffmpeg_location": imageio_ffmpeg.get_ffmpeg_exe(),
            "cachedir": False,
            "overwrites": True,
            "noprogress": True,
            "color": "never",
            "logger": _Log(),
        }

    # --- Why not ----------------------------------------------------------------------------------

    def _reason(self, error: Exception) -> DebateError:
        """The sentence that explains an error of yt-dlp's to whoever gave the address."""
        if self._proxy.exhausted:
            return DownloadFailed(
                "The site sends more than it says, or too slowly to ever end. "
                f"Try again later. {_UPLOAD_INSTEAD}"
            )
        return self._proxy.trouble or DownloadFailed(_sentence(list(_causes(error))))


class _Session(YoutubeDL):  # type: ignore[misc]
    """yt-dlp, with one way out and no way round it."""

    def __init__(self, options: dict[str, Any], watch: _Watch) -> None:
        super().__init__(options)
        self._watch = watch
        self.add_progress_hook(watch)

    def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
        """Only `requests`: urllib would heed NO_PROXY, and speaks ftp besides."""
        return super().build_request_director([RequestsRH], preferences)

    def urlopen(self, req: Any) -> Any:
        """Every request of every extractor: none may name another proxy, or none at all."""
        request = Request(req) if isinstance(req, str) else req
        request.proxies.clear()
        request.headers.pop("Ytdl-Request-Proxy", None)
        return super().urlopen(request)

    def dl(self, name: str, info: Any, subtitle: bool = False, test: bool = False) -> Any:
        """Every file: fetched by yt-dlp itself, and looked at before ffmpeg works on it."""
        if get_suitable_downloader(info, self.params) not in _NATIVE:
            raise DownloadFailed(
                f"The recording is streamed in a way that is not supported. {_UPLOAD_INSTEAD}"
            )
        done = super().dl(name, info, subtitle, test)
        if not subtitle and not test and Path(name).exists():
            probe(Path(name))
        return done

    def download(self, info: dict[str, Any]) -> Path:
        """The recording that `extract_info` found."""
        formats = info.get("requested_formats") or [info]
        self._watch.begin([form.get("filesize") or form.get("filesize_approx") for form in formats])
        self.params["writesubtitles"] = False
        self.process_info(info)
        if not info.get("filepath") or not Path(info["filepath"]).exists():
            raise DownloadFailed(f"The site sent nothing. Try again later. {_UPLOAD_INSTEAD}")
        return Path(info["filepath"])

    def subtitles(self, info: Mapping[str, Any], beside: Path) -> Iterator[Subtitles]:
        """Those that the site has. One that cannot be fetched is left out: the recording counts."""
        wanted = info.get("requested_subtitles") or {}
        for number, (language, entry) in enumerate(islice(wanted.items(), _MAX_SUBTITLES)):
            suffix = f".{entry.get('ext')}"
            if not re.fullmatch(r"[\w-]{1,40}", language) or not re.fullmatch(r"\.\w{1,8}", suffix):
                logger.warning("subtitles %r (%r) are left out: an odd name", language, suffix)
                continue
            path = beside.with_name(f"{beside.stem}-{number}{suffix}")
            try:
                if entry.get("data") is not None:
                    path.write_text(entry["data"], encoding="utf-8")
                else:
                    self.dl(str(path), {"http_headers": info.get("http_headers"), **entry}, True)
                size = path.stat().st_size
            except (YoutubeDLError, OSError, DebateError) as error:
                logger.warning("subtitles %s are left out: %s", language, error)
            else:
                if size:
                    yield Subtitles(path, language, suffix)


class _Watch:
    """A progress hook: tells how far it is, and stops what turns out too large."""

    def __init__(self, most: int, report: Report) -> None:
        self._most = most
        self._report = report
        self.begin([None])

    def begin(self, sizes: Sequence[float | None]) -> None:
        """Another recording, of so many files of these sizes, as far as the site says so."""
        known = [size for size in sizes if size]
        whole = len(known) == len(sizes)
        self._shares = [size / sum(known) for size in known] if whole else []
        self._files = len(sizes)
        self._done: dict[str, int] = {}
        self._parts: dict[str, float] = {}
        self._told = time.monotonic()

    def __call__(self, status: Mapping[str, Any]) -> None:
        name = str(status.get("filename"))
        self._done[name] = int(status.get("downloaded_bytes") or 0)
        total = status.get("total_bytes")  # of this file, where the server says so
        others = sum(size for file, size in self._done.items() if file != name)
        _check_size(others + max(self._done[name], total or 0), self._most)
        guess = total or status.get("total_bytes_estimate")
        self._parts[name] = _part(status, self._done[name], guess)
        self._report(self._progress())
        now = time.monotonic()
        if status.get("status") == "finished" or now - self._told > _PROGRESS_SECONDS:
            self._told = now
            of = f" of {guess / _MIB:.1f}" if guess else ""
            logger.info("downloaded %.1f%s MiB", sum(self._done.values()) / _MIB, of)

    def _progress(self) -> float:
        """Files come one after the other; where their sizes are not known, they count alike."""
        shares = self._shares if len(self._parts) <= len(self._shares) else []
        shares = shares or [1 / max(self._files, len(self._parts))] * len(self._parts)
        return sum(share * part for share, part in zip(shares, self._parts.values(), strict=False))


def _part(status: Mapping[str, Any], done: int, total: float | None) -> float:
    """How much of a file is there, 0 to 1; 0 where nobody knows."""
    if status.get("status") == "finished":
        return 1.0
    if fragments := status.get("fragment_count"):
        return float((status.get("fragment_index") or 0) / fragments)
    return min(done / total, 1.0) if total else 0.0


class _Log:
    """yt-dlp's words, in ours. Its errors are raised as well, and told then."""

    def debug(self, message: str) -> None:
        logger.debug("%s", message)

    def info(self, message: str) -> None:
        logger.info("%s", message)

    def warning(self, message: str) -> None:
        logger.warning("%s", message)

    def error(self, message: str) -> None:
        logger.debug("%s", message)


def _listed(found: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """What an extractor found as it lists it: a playlist's entries, or the one thing that it is."""
    if found and found.get("_type") in ("playlist", "multi_video"):
        yield from (dict(entry) for entry in found.get("entries") or () if entry)
    elif found:
        yield dict(found)


def _entries(found: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The recordings in what an extractor found: one, or a playlist, of playlists perhaps."""
    if not found:
        return
    if found.get("_type", "video") == "video":
        yield dict(found)
        return
    for entry in found.get("entries") or ():
        yield from _entries(entry)


def _check_size(size: float, most: int) -> None:
    if size > most:
        raise DownloadFailed(
            f"The recording has {size / 2**30:.1f} GiB or more, and {most / 2**30:.1f} GiB is the "
            "most that is taken. Save it at a lower picture quality and upload the file: "
            "only the sound is analysed."
        )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, in all the places where yt-dlp keeps it."""
    seen: set[int] = set()
    ahead = [error]
    while ahead:
        each = ahead.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        told = getattr(each, "exc_info", None) or (None, None)
        ahead += [told[1], getattr(each, "cause", None), each.__cause__, each.__context__]


_STATUS = {
    401: "wants a signed-in visitor, or does not serve the country that this runs in",
    403: "wants a signed-in visitor, or does not serve the country that this runs in",
    404: "has nothing at this address",
    410: "has taken the recording away",
    429: "has been asked too often; try again in some hours",
    451: "may not show the recording for legal reasons",
}


def _sentence(causes: list[BaseException]) -> str:
    words = " ".join(str(cause) for cause in causes)
    if "not a bot" in words or "Sign in to confirm" in words:
        return (
            "The site takes us for a machine and wants a signed-in visitor. Give the deployment "
            f"cookies of one (docs/downloads.md). {_UPLOAD_INSTEAD}"
        )
    for cause in causes:
        match cause:
            case UnsupportedError():
                return f"There is no recording that we can find at this address. {_UPLOAD_INSTEAD}"
            case GeoRestrictedError():
                return f"The site does not serve the country that this runs in. {_UPLOAD_INSTEAD}"
            case HTTPError(redirect_loop=True):
                return "The site sends us in a circle. Check the address in a browser."
            case HTTPError(status=status):
                what = _STATUS.get(status, "has a fault of its own; try again later")
                return f"The site {what} (HTTP {status}). {_UPLOAD_INSTEAD}"
    broken = any(isinstance(cause, TransportError | TimeoutError) for cause in causes)
    if broken or "Giving up after" in words:
        return f"The connection to the site broke off. Try again later. {_UPLOAD_INSTEAD}"
    last = next((c for c in causes if hasattr(c, "orig_msg")), causes[0])
    said = re.sub(r"\s+", " ", str(getattr(last, "orig_msg", last))).removeprefix("ERROR: ")
    return f"The site gave no recording: {said[:300].rstrip('.')}. {_UPLOAD_INSTEAD}"

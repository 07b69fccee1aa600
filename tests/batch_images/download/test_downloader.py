"""The real yt-dlp against a website on loopback: what comes, what is refused, and why."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import ProxyError, RequestError

from batch_images.download import downloader
from batch_images.download.cookies import Cookie, write
from batch_images.download.downloader import Downloader, Limits, Recording, Report
from batch_images.download.probe import probe
from batch_images.download.proxy import Proxy
from debate_analyzer.errors import DownloadFailed, InvalidAddress
from tests.batch_images.download.website import PUBLIC, Network, Page, Website
from tests.world import ROOT

DEMO = ROOT / "demo" / "debate.mp4"
SECONDS = 71.48
HOME = "http://videos.example"
USUAL = Limits()
Fetch = Callable[..., Recording]

# An answer that yt-dlp thinks better of is closed when it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def fetch(proxy: Proxy, tmp_path: Path) -> Fetch:
    def fetch(
        path: str,
        limits: Limits = USUAL,
        *,
        cookies: Path | None = None,
        report: Report = print,
        entry: int | None = None,
    ) -> Recording:
        url = path if "://" in path else HOME + path
        by = Downloader(proxy, limits, cookies=cookies, report=report)
        return by.fetch(url, tmp_path, entry=entry)

    return fetch


@pytest.fixture
def debate(site: Website) -> Website:
    site.pages["/debate.mp4"] = Page(DEMO.read_bytes(), "video/mp4")
    return site


@pytest.fixture(scope="session")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as HLS (a.m3u8 and its segments) and as DASH (a.mpd), sound and picture apart."""
    folder = tmp_path_factory.mktemp("streams")
    copy = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(DEMO), "-c", "copy"]
    hls = ["-f", "hls", "-hls_playlist_type", "vod", "-hls_time", "20", "a.m3u8"]
    for options in (hls, ["-f", "dash", "-seg_duration", "20", "a.mpd"]):
        subprocess.run([*copy, *options], cwd=folder, check=True)
    return folder


@pytest.fixture
def streamed(site: Website, streams: Path) -> Website:
    kinds = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml"}
    for path in streams.iterdir():
        kind = kinds.get(path.suffix, "application/octet-stream")
        site.pages[f"/{path.name}"] = Page(path.read_bytes(), kind)
    return site


def page(body: str, title: str = "Town hall") -> Page:
    return Page(f"<html><head><title>{title}</title></head><body>{body}</body></html>".encode())


def reason(fetch: Fetch, path: str, limits: Limits = USUAL, **more: Any) -> str:
    with pytest.raises((DownloadFailed, InvalidAddress)) as refusal:
        fetch(path, limits, **more)
    assert str(refusal.value).endswith(".")
    return str(refusal.value)


# --- What comes -----------------------------------------------------------------------------------


def test_a_file_comes_as_it_is(fetch: Fetch, debate: Website, network: Network) -> None:
    recording = fetch("/debate.mp4")
    assert recording.path.read_bytes() == DEMO.read_bytes()
    assert (recording.title, recording.suffix) == ("debate", ".mp4")
    assert set(network.connected) == {PUBLIC}


def test_a_page_gives_its_title_and_the_subtitles_beside_the_video(
    fetch: Fetch, debate: Website
) -> None:
    english = b"WEBVTT\n\n00:00.000 --> 00:01.000\nGood evening\n"
    debate.pages["/en.vtt"] = Page(english, "text/vtt")
    tracks = "".join(
        f'<track kind="subtitles" srclang="{name}" src="/{name}.vtt">' for name in ("en", "es")
    )
    debate.pages["/"] = page(f'<video src="/debate.mp4">{tracks}</video>')
    recording = fetch("/")
    assert recording.title.startswith("Town hall")
    [subtitles] = recording.subtitles  # the Spanish ones are not there, which harms nobody
    assert (subtitles.language, subtitles.suffix) == ("en", ".vtt")
    assert subtitles.path.read_bytes() == english


def test_a_file_without_a_name_is_called_what_it_is(fetch: Fetch, site: Website) -> None:
    site.pages["/download?id=5"] = Page(DEMO.read_bytes(), "application/octet-stream")
    recording = fetch("/download?id=5")
    assert recording.suffix == ".mp4"


@pytest.mark.parametrize("manifest", ["a.m3u8", "a.mpd"])
def test_a_stream_becomes_one_file(fetch: Fetch, streamed: Website, manifest: str) -> None:
    recording = fetch(f"/{manifest}")
    assert probe(recording.path).duration == pytest.approx(SECONDS, abs=0.5)
    assert recording.suffix == ".mp4"
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(recording.path)], capture_output=True
    ).stderr
    assert (told.count(b": Video: "), told.count(b": Audio: ")) == (1, 1)


def playlist(site: Website) -> None:
    """A page that shows three recordings, and a feed that only names their pages."""
    entry = '<div><video src="/debate.mp4?{}"></video></div>'
    item = "<item><title>Evening {0}</title><link>http://videos.example/page/{0}</link></item>"
    for number in range(3):
        site.pages[f"/debate.mp4?{number}"] = site.pages["/debate.mp4"]
        site.pages[f"/page/{number}"] = page(entry.format(number))
    site.pages["/"] = page("".join(entry.format(number) for number in range(3)))
    items = "".join(item.format(number) for number in range(3))
    feed = f'<rss version="2.0"><channel><title>All</title>{items}</channel></rss>'
    site.pages["/feed"] = Page(f'<?xml version="1.0"?>{feed}'.encode(), "application/rss+xml")


@pytest.mark.parametrize("path", ["/", "/feed"])
def test_of_a_playlist_each_recording_comes_by_its_number(
    fetch: Fetch, debate: Website, path: str
) -> None:
    playlist(debate)
    first, third = fetch(path), fetch(path, entry=3)
    assert [url for url in debate.paths if "mp4" in url][-1] == "/debate.mp4?2"
    assert first.source_id != third.source_id
    assert fetch(path, entry=1).source_id == first.source_id
    assert "nothing at this address" in reason(fetch, path + "none", entry=1)
    assert "There is no recording" in reason(fetch, path, entry=4)


def test_the_other_recordings_of_a_playlist_are_left_alone(fetch: Fetch, debate: Website) -> None:
    playlist(debate)
    fetch("/feed", entry=2)
    assert not {"/page/0", "/page/2"} & set(debate.paths)


@pytest.mark.parametrize(
    ("path", "most", "count"),
    [("/", 5, 3), ("/", 2, 2), ("/feed", 5, 3), ("/feed", 2, 2), ("/debate.mp4", 5, 1)],
)
def test_the_recordings_of_a_playlist_are_counted(
    proxy: Proxy, debate: Website, path: str, most: int, count: int
) -> None:
    playlist(debate)
    assert Downloader(proxy, USUAL, report=print).count(HOME + path, most) == count
    assert not [url for url in debate.paths if url.startswith("/page")]


def test_progress_is_told(fetch: Fetch, debate: Website, caplog: pytest.LogCaptureFixture) -> None:
    told: list[float] = []
    with caplog.at_level(logging.INFO):
        fetch("/debate.mp4", report=told.append)
    assert "downloaded 0.7 of 0.7 MiB" in caplog.text
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] == 1


@pytest.mark.parametrize("manifest", ["a.m3u8", "a.mpd"])
def test_the_progress_of_a_stream_is_that_of_its_segments(
    fetch: Fetch, streamed: Website, manifest: str
) -> None:
    told: list[float] = []
    fetch(f"/{manifest}", report=told.append)
    assert told == sorted(told)
    assert len(set(told)) > 3
    assert told[-1] == pytest.approx(1)


def test_what_is_told_of_the_progress_may_end_the_download(fetch: Fetch, debate: Website) -> None:
    class CancelledError(Exception): ...

    def cancel(progress: float) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        fetch("/debate.mp4", report=cancel)


# --- Where it does not go -------------------------------------------------------------------------


@pytest.fixture
def calls(site: Website, proxy: Proxy) -> Iterator[list[tuple[str, int]]]:
    """Where this process connects to. Hooks stay for good, so this one is told when to stop."""
    seen: list[tuple[str, int]] = []
    listening = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "socket.connect":
            seen.append(arguments[1])

    sys.addaudithook(hook)
    yield seen
    listening = False
    assert {port for _, port, *_ in seen} <= {site.port, int(proxy.url.rsplit(":", 1)[1])}


INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1/debate.mp4",
    "http://[::1]/debate.mp4",
    "http://0x7f000001/debate.mp4",
    "http://inside.example/debate.mp4",
    "https://inside.example/debate.mp4",
]


@pytest.mark.parametrize("target", INSIDE)
@pytest.mark.parametrize("way", ["itself", "redirect", "video", "frame", "segment", "variant"])
def test_nothing_leads_inside(
    fetch: Fetch,
    streamed: Website,
    network: Network,
    calls: list[tuple[str, int]],
    way: str,
    target: str,
) -> None:
    network.names["inside.example"] = [["10.0.0.8"]]
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n{}\n{}\n#EXT-X-ENDLIST\n"
    pages = {
        "redirect": Page(status=302, headers={"Location": target}),
        "video": page(f'<video src="{target}"></video>'),
        "frame": page(
            f'<iframe src="{target}"></iframe><meta property="og:video" content="{target}">'
        ),
        "segment": Page(hls.format("#EXTINF:9,", target).encode(), "application/x-mpegurl"),
        "variant": Page(
            hls.format("#EXT-X-STREAM-INF:BANDWIDTH=1", target).encode(), "application/x-mpegurl"
        ),
    }
    if way in pages:
        streamed.pages["/"] = pages[way]
    assert reason(fetch, target if way == "itself" else "/")
    assert set(network.connected) <= {PUBLIC}


@pytest.mark.parametrize("name", ["redirect", "video", "segment", "key", "map"])
@pytest.mark.parametrize("target", ["file:///etc/passwd", "file://localhost/etc/passwd"])
def test_no_file_of_this_machine_is_read(
    fetch: Fetch, streamed: Website, tmp_path: Path, name: str, target: str
) -> None:
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:20\n{}#EXTINF:20,\n{}\n#EXT-X-ENDLIST\n"
    key, start = f'#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n', f'#EXT-X-MAP:URI="{target}"\n'
    lists = {"segment": ("", target), "key": (key, "a0.ts"), "map": (start, "a0.ts")}
    streamed.pages["/"] = {
        "redirect": Page(status=302, headers={"Location": target}),
        "video": page(f'<video src="{target}"></video>'),
    }.get(name) or Page(hls.format(*lists[name]).encode(), "application/x-mpegurl")
    reason(fetch, "/")
    assert not any(b"root:" in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_a_playlist_in_a_video_s_clothes_is_not_opened(fetch: Fetch, streamed: Website) -> None:
    """ffmpeg goes by the content: it would fetch what this names, and read files too."""
    streamed.pages["/debate.mp4"] = Page(streamed.pages["/a.m3u8"].body, "video/mp4")  # type: ignore[union-attr]
    assert "neither audio nor video" in reason(fetch, "/debate.mp4")
    assert set(streamed.paths) == {"/debate.mp4"}


def test_a_playlist_in_the_place_of_a_segment_is_not_opened(
    fetch: Fetch, streamed: Website
) -> None:
    streamed.pages["/b.ts"] = streamed.pages["/a.m3u8"]
    hls = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nb.ts\n#EXT-X-ENDLIST\n"
    streamed.pages["/b.m3u8"] = Page(hls, "application/x-mpegurl")
    assert "neither audio nor video" in reason(fetch, "/b.m3u8")
    assert "/a0.ts" not in streamed.paths


def test_what_only_ffmpeg_could_fetch_is_not_fetched(
    fetch: Fetch, streamed: Website, calls: list[tuple[str, int]]
) -> None:
    """yt-dlp hands encrypted streams to ffmpeg, which does not know our limits."""
    key = b'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="key"\n#EXTINF'
    body = streamed.pages["/a.m3u8"].body.replace(b"#EXTINF", key, 1)  # type: ignore[union-attr]
    streamed.pages["/c.m3u8"] = Page(body, "application/x-mpegurl")
    assert reason(fetch, "/c.m3u8")
    assert set(streamed.paths) == {"/c.m3u8"}


def session(proxy: Proxy, tmp_path: Path) -> Any:
    options = Downloader(proxy, Limits(), report=print)._options()
    return downloader._Session(options, downloader._Watch(1, print))


def test_what_yt_dlp_asks_with_takes_the_one_way_out(
    proxy: Proxy, site: Website, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    site.pages["/"] = Page(b"hello")
    with session(proxy, tmp_path) as made:
        assert list(made._request_director.handlers) == ["Requests"]
        made.urlopen(HOME).close()
        assert network.connected == [PUBLIC]
        with pytest.raises(ProxyError):
            made.urlopen("https://169.254.169.254/")
        for url in ("ftp://videos.example/", "file:///etc/passwd", "wss://videos.example/"):
            with pytest.raises(RequestError):
                made.urlopen(url)
        assert network.connected == [PUBLIC]


def test_no_extractor_can_name_another_way_out(
    proxy: Proxy, site: Website, network: Network, tmp_path: Path
) -> None:
    site.pages["/"] = Page(b"hello")
    with session(proxy, tmp_path) as made:
        for headers, proxies in (
            ({"Ytdl-request-proxy": "__noproxy__"}, {}),
            ({}, {"all": None}),
            ({}, {"http": "http://127.0.0.1:9", "no": "videos.example"}),
        ):
            network.connected.clear()
            made.urlopen(Request(HOME, headers=headers, proxies=proxies)).close()
            assert network.connected == [PUBLIC]


def test_notes_of_yt_dlp_to_itself_are_not_taken_from_users(fetch: Fetch) -> None:
    url = f"{HOME}/#__youtubedl_smuggle=%7B%22to_generic%22%3A+true%7D"
    with pytest.raises(InvalidAddress):
        fetch(url)


# --- Too much, too long, too slow -----------------------------------------------------------------


def test_a_file_too_large_is_refused_when_its_length_is_known(fetch: Fetch, site: Website) -> None:
    site.pages["/debate.mp4"] = Page(bytes(8 * 2**20), "video/mp4")
    assert "0.0 GiB is the most" in reason(fetch, "/debate.mp4", Limits(received_bytes=2**20))


def test_a_file_without_end_is_cut_off(fetch: Fetch, site: Website, tmp_path: Path) -> None:
    site.pages["/debate.mp4"] = Page(bytes(65536), "video/mp4", length=False, endless=True)
    assert "is the most" in reason(fetch, "/debate.mp4", Limits(received_bytes=2**20))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * 2**20


def test_a_stream_is_measured_as_a_whole(fetch: Fetch, streamed: Website) -> None:
    assert "is the most" in reason(fetch, "/a.m3u8", Limits(received_bytes=400_000))


def test_a_page_without_end_is_cut_off(
    fetch: Fetch, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloader, "_PAGES_BYTES", 2**20)
    site.pages["/"] = Page(b"<html>" + b" " * 65536, length=False, endless=True)
    assert "more than it says" in reason(fetch, "/")


def test_a_page_that_never_comes_is_given_up(
    fetch: Fetch, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloader, "_PAGES_SECONDS", 0.5)
    site.pages["/"] = Page(b"<html>" * 10, pause=600)
    assert "too slowly" in reason(fetch, "/")


def test_a_file_that_trickles_is_given_up(fetch: Fetch, site: Website) -> None:
    site.pages["/debate.mp4"] = Page(bytes(64 * 2**20), "video/mp4", pause=0.2)
    assert "too slowly" in reason(fetch, "/debate.mp4", Limits(patience=0.7))


def test_a_stream_too_long_is_refused_before_it_is_fetched(fetch: Fetch, streamed: Website) -> None:
    assert "plays for 1.2 minutes" in reason(fetch, "/a.m3u8", Limits(recording_seconds=60))
    assert set(streamed.paths) == {"/a.m3u8"}


def test_a_file_too_long_is_refused_when_it_can_be_read(fetch: Fetch, debate: Website) -> None:
    assert "1.0 minutes is the most" in reason(fetch, "/debate.mp4", Limits(recording_seconds=60))


def test_a_live_stream_is_refused(fetch: Fetch, streamed: Website) -> None:
    live = streamed.pages["/a.m3u8"].body.replace(b"#EXT-X-ENDLIST\n", b"")  # type: ignore[union-attr]
    live = live.replace(b"#EXT-X-PLAYLIST-TYPE:VOD\n", b"")
    streamed.pages["/live.m3u8"] = Page(live, "application/x-mpegurl")
    assert "live stream" in reason(fetch, "/live.m3u8")
    assert set(streamed.paths) == {"/live.m3u8"}


# --- Reasons --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Page(b"", status=403), "wants a signed-in visitor, or does not serve the country"),
        (Page(b"", status=404), "has nothing at this address"),
        (Page(b"", status=429), "too often"),
        (Page(b"", status=451), "legal reasons"),
        (Page(b"", status=503), "a fault of its own"),
        (Page(status=302, headers={"Location": "/"}), "in a circle"),
        (page("<p>No video here.</p>"), "no recording that we can find"),
        (Page(b"", "video/mp4"), "The site"),
        (Page(b"not a video", "video/mp4"), "neither audio nor video"),
        (Page(b"not a video", "application/octet-stream"), "neither audio nor video"),
        (Page(b"x", "video/mp4", headers={"Content-Encoding": "gzip"}), "The "),
    ],
)
def test_the_reason_is_one_that_a_user_understands(
    fetch: Fetch, site: Website, answer: Page, words: str
) -> None:
    site.pages["/"] = answer
    assert words in reason(fetch, "/")


def test_a_file_that_is_refused_when_it_is_fetched(fetch: Fetch, debate: Website) -> None:
    """As by a site that shows a page everywhere and its video in one country."""
    debate.pages["/debate.mp4"] = Page(b"", status=403)
    debate.pages["/"] = page('<video src="/debate.mp4"></video>')
    assert "HTTP 403" in reason(fetch, "/")


def test_a_connection_that_breaks_off(fetch: Fetch, site: Website) -> None:
    data = DEMO.read_bytes()[:1000]
    site.pages["/debate.mp4"] = Page(
        data, "video/mp4", length=False, headers={"Content-Length": "100000"}
    )
    assert "broke off" in reason(fetch, "/debate.mp4")


def test_a_site_that_does_not_exist(fetch: Fetch, network: Network) -> None:
    network.names["nowhere.example"] = [[]]
    for scheme in ("http", "https"):
        words = reason(fetch, f"{scheme}://nowhere.example/debate.mp4")
        assert "nowhere.example does not exist or does not answer" in words


def test_a_check_for_machines_asks_for_cookies() -> None:
    error = downloader.YoutubeDLError("Sign in to confirm you’re not a bot. Use --cookies …")
    assert "docs/downloads.md" in downloader._sentence([error])


# --- Cookies --------------------------------------------------------------------------------------


def test_cookies_go_to_their_site_only_and_into_no_log(
    fetch: Fetch, debate: Website, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cookies = tmp_path / "cookies.txt"
    write(
        [
            Cookie(".videos.example", "/", False, 0, "SID", "s3cr3t"),
            Cookie(".other.example", "/", False, 0, "OTHER", "0th3r"),
        ],
        cookies,
    )
    with caplog.at_level(logging.DEBUG):
        fetch("/debate.mp4", cookies=cookies)
        fetch("http://third.example/debate.mp4", cookies=cookies)
    sent = {(headers["Host"], headers.get("Cookie")) for _, _, headers in debate.asked}
    assert sent == {("videos.example", "SID=s3cr3t"), ("third.example", None)}
    assert "s3cr3t" not in caplog.text
    assert cookies.stat().st_mode & 0o777 == 0o600

"""Files as people upload them: whole, odd, broken and hostile. ffmpeg makes each of them here."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from batch_images.transcribe import media
from batch_images.transcribe.media import Media, probe
from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from debate_analyzer.errors import EmptyFile, InvalidMedia, NoAudioTrack, TruncatedMedia
from debate_analyzer.job import Settled

SECONDS = 8
Make = Callable[..., Path]

PICTURE = ("-f", "lavfi", "-i", f"testsrc=s=64x48:r=25:d={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(name, *options)` runs ffmpeg and returns the file it wrote."""

    def make(name: str, *options: str) -> Path:
        path = tmp_path / name
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        command = [ffmpeg, "-nostdin", "-v", "error", "-t", "60", *options, f"file:{path}"]
        subprocess.run(command, check=True)
        return path

    return make


def decode(path: Path, found: Media | None = None) -> Samples:
    """Every sample, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        return media.decode(path, Path(folder, "sound"), found).read()


def _heard(samples: Samples) -> tuple[float, float]:
    """The first and the last moment that is not silent, in seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return float(loud[0] / SAMPLE_RATE), float(loud[-1] / SAMPLE_RATE)


def _frequency(samples: Samples) -> float:
    """Of the loudest tone of the first four seconds, in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(samples[: 4 * SAMPLE_RATE]))) / 4)


def _write_wave(path: Path, samples: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(b"\0\0" * samples)
    return path


def _cut(path: Path, part: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


@pytest.mark.parametrize(
    "suffix", ["mp4", "mov", "mkv", "webm", "avi", "mpg", "ts", "m4a", "mp3", "wav", "flac", "ogg"]
)
def test_every_kind_gives_float32_mono_at_16_khz(make: Make, suffix: str) -> None:
    picture = PICTURE if suffix in {"mp4", "mov", "mkv", "webm", "avi", "mpg", "ts"} else ()
    path = make(
        f"debate.{suffix}",
        *picture,
        *SOUND,
        "-ac",
        "2",
        "-ar",
        "44100" if suffix != "webm" else "48000",
    )

    samples = decode(path)

    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.2)
    assert _frequency(samples) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 96_000])
@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s24le", "pcm_f32le", "pcm_f64le", "pcm_mulaw"])
def test_whatever_the_samples_are_the_sound_is_the_same(make: Make, rate: int, codec: str) -> None:
    samples = decode(make("debate.wav", *SOUND, "-ar", str(rate), "-c:a", codec))
    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)
    assert _frequency(samples) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(
    ("channels", "speaks"), [(count, n) for count in range(1, 9) for n in range(count)]
)
def test_whoever_speaks_into_one_of_eight_microphones_is_heard(
    make: Make, channels: int, speaks: int
) -> None:
    pan = "|".join(f"c{n}={'c0' if n == speaks else '0*c0'}" for n in range(channels))
    path = make("desk.wav", *SOUND, "-af", f"pan={channels}c|{pan}")
    samples = decode(path)
    assert _frequency(samples) == pytest.approx(440, abs=1)
    assert np.abs(samples).max() > 0.01


@pytest.mark.parametrize("channels", range(1, 9))
def test_each_of_eight_microphones_is_a_sound_of_its_own(
    make: Make, tmp_path: Path, channels: int
) -> None:
    tones = "|".join(f"0.4*sin({(n + 1) * 200}*2*PI*t)" for n in range(channels))
    path = make("desk.wav", "-f", "lavfi", "-i", f"aevalsrc='{tones}':s=48000:d={SECONDS}")
    sounds = media.decode_channels(path, tmp_path / "sound", probe(path))
    assert [_frequency(sound.read()) for sound in sounds] == pytest.approx(
        [(n + 1) * 200 for n in range(channels)], abs=1
    )
    assert {sound.duration for sound in sounds} == {float(SECONDS)}


def test_of_several_tracks_the_one_with_most_channels_is_taken(make: Make, tmp_path: Path) -> None:
    both = "[1:a]pan=2c|c0=c0|c1=0*c0[both]"
    maps = ("-map", "0:a", "-map", "[both]")
    path = make("two.mkv", *SOUND, *SOUND, "-filter_complex", both, *maps)
    left, right = media.decode_channels(path, tmp_path / "sound", probe(path))
    assert np.abs(left.read()).max() > 0.05
    assert np.abs(right.read()).max() < 0.01


def test_nine_channels_are_too_many_for_a_speaker_each(make: Make, tmp_path: Path) -> None:
    path = make("desk.wav", "-f", "lavfi", "-i", f"aevalsrc='{'|'.join('0' * 9)}':d={SECONDS}")
    with pytest.raises(InvalidMedia, match=r"has 9 channels; .* up to 8"):
        media.decode_channels(path, tmp_path / "sound", probe(path))


@pytest.mark.parametrize("name", ["mute.mp4", "zero.wav", "cut.wav"])
def test_channels_are_refused_for_what_the_mix_is(make: Make, tmp_path: Path, name: str) -> None:
    match name:
        case "mute.mp4":
            path, error = make(name, *PICTURE), NoAudioTrack
        case "zero.wav":
            path, error = _write_wave(tmp_path / name, 0), EmptyFile
        case _:
            path, error = _cut(make(name, *SOUND, "-ac", "2"), 0.5), TruncatedMedia
    with pytest.raises(error):
        media.decode_channels(path, tmp_path / "sound", probe(path))


def test_pictures_at_an_uneven_pace_do_not_move_the_sound(make: Make) -> None:
    """A telephone's video: as many frames a second as it had light and time for."""
    uneven = "setpts='(N+8*sin(N/9))/25/TB'"
    path = make("phone.mp4", *PICTURE, "-itsoffset", "2", *SOUND, "-vf", uneven, "-fps_mode", "vfr")
    first, last = _heard(decode(path))
    assert (first, last) == (pytest.approx(2, abs=0.1), pytest.approx(2 + SECONDS, abs=0.1))


def test_opus_in_webm_that_a_browser_recorded_has_no_duration(make: Make) -> None:
    path = make("recording.webm", *SOUND, "-c:a", "libopus", "-f", "webm", "-live", "1")
    assert probe(path).duration is None
    assert len(decode(path)) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.1)


def test_a_disk_that_is_full_is_not_the_recording_s_fault(make: Make) -> None:
    """Half of the sound would be a transcript that ends in the middle."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="no room"):
        media.decode(make("debate.wav", *SOUND), Path("/dev/full"))


def test_a_lost_claim_ends_the_decoding(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(done: float) -> None:
        raise Settled("The claim was lost.")

    monkeypatch.setattr(media, "_LOOK", 0)
    with pytest.raises(Settled):
        media.decode(make("debate.mp4", *PICTURE, *SOUND), tmp_path / "sound", on_progress=lost)


def test_probe_reads_what_the_container_says(make: Make) -> None:
    found = probe(make("debate.mp4", *PICTURE, *SOUND))
    assert (found.container, found.has_audio, found.has_video) == ("mov", True, True)
    assert found.duration == pytest.approx(SECONDS, abs=0.05)


def test_sound_that_starts_late_keeps_its_place(make: Make) -> None:
    path = make("late.mp4", *PICTURE, "-itsoffset", "3", *SOUND)
    first, last = _heard(decode(path))
    assert first == pytest.approx(3, abs=0.05)
    assert last == pytest.approx(3 + SECONDS, abs=0.05)


def test_a_gap_in_the_timestamps_becomes_silence(make: Make) -> None:
    """A live stream that dropped out for four seconds: words after it must not move forward."""
    path = make("gap.mkv", *SOUND, "-af", "asetpts='PTS+if(gt(T,5),4/TB,0)'")
    samples = decode(path)
    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS + 4, abs=0.2)
    assert np.abs(samples[int(6.5 * SAMPLE_RATE) : int(8.5 * SAMPLE_RATE)]).max() < 0.01


def test_a_recording_longer_than_announced_is_read_to_its_end(make: Make) -> None:
    """A recorder that streams leaves no duration in the header."""
    path = make("live.mkv", *SOUND, "-f", "matroska", "-live", "1")
    assert probe(path).duration is None
    assert len(decode(path)) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)


def test_a_wav_from_a_pipe_does_not_know_its_size(make: Make) -> None:
    path = make("piped.wav", *SOUND)
    data = path.read_bytes()
    for unknown in (0, 0x7FFF_FFFF, 0xFFFF_FFFF):
        path.write_bytes(data[:4] + unknown.to_bytes(4, "little") + data[8:])
        assert len(decode(path)) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)


def test_sound_may_end_before_the_picture(make: Make) -> None:
    path = make("credits.mp4", *PICTURE, "-f", "lavfi", "-i", "sine=duration=4")
    assert len(decode(path)) / SAMPLE_RATE == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fast.mp4", ("-movflags", "+faststart")),
        ("plain.mkv", ()),
        ("plain.webm", ()),
        ("sound.flac", ("-map", "1")),
        ("plain.avi", ()),
        ("sound.wav", ("-map", "1")),
    ],
)
def test_a_file_cut_off_is_refused_with_both_durations(
    make: Make, name: str, options: tuple[str, ...]
) -> None:
    path = _cut(make(name, *PICTURE, *SOUND, *options), 0.5)
    with pytest.raises(TruncatedMedia, match=r"holds \d s of the 8 s .* Upload it again"):
        decode(path)


def test_a_file_cut_off_before_its_index_cannot_be_read(make: Make) -> None:
    path = _cut(make("plain.mp4", *PICTURE, *SOUND), 0.5)
    with pytest.raises(InvalidMedia, match="cut off"):
        decode(path)


def test_a_file_without_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(EmptyFile, match="no bytes"):
        decode(path)


def test_a_wav_of_no_length(tmp_path: Path) -> None:
    with pytest.raises(EmptyFile, match="no sound at all"):
        decode(_write_wave(tmp_path / "zero.wav", 0))


def test_a_video_without_sound(make: Make) -> None:
    with pytest.raises(NoAudioTrack, match="no sound"):
        decode(make("mute.mp4", *PICTURE))


@pytest.mark.parametrize(
    "content",
    [
        np.random.default_rng(1).bytes(200_000),
        b"hello\n" * 1000,
        b"\0" * 100_000,
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
    ],
    ids=["noise", "text", "zeros", "half a header"],
)
def test_what_is_not_media_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "debate.mp4"
    path.write_bytes(content)
    with pytest.raises(InvalidMedia):
        decode(path)


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {secret}\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\nconcat:{secret}|/etc/passwd\n",
    ],
    ids=["hls", "concat", "concat in hls"],
)
@pytest.mark.parametrize("name", ["debate.mp4", "debate.m3u8", "debate.ts"])
def test_a_playlist_cannot_make_ffmpeg_read_other_files(
    make: Make, tmp_path: Path, playlist: str, name: str
) -> None:
    secret = make("secret.ts", *SOUND)
    path = tmp_path / name
    for spelling in ("secret.ts", str(secret), f"file:{secret}", "/etc/passwd"):
        path.write_text(playlist.format(secret=spelling))
        with pytest.raises(InvalidMedia):
            probe(path)
        with pytest.raises(InvalidMedia):
            decode(path, Media("hls", None, has_audio=True, has_video=True))


@pytest.mark.parametrize("name", ["debate.mp4", "debate.m3u8"])
def test_a_playlist_cannot_make_ffmpeg_fetch_anything(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with socket.create_server(("127.0.0.1", 0)) as site:
        site.setblocking(False)
        url = f"http://127.0.0.1:{site.getsockname()[1]}/segment.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\n{url}\n#EXT-X-ENDLIST\n")
        with pytest.raises(InvalidMedia):
            probe(path)
        with pytest.raises(InvalidMedia):
            decode(path, Media("hls", None, has_audio=True, has_video=True))
        with pytest.raises(BlockingIOError):  # nobody has called
            site.accept()


@pytest.mark.parametrize(
    "name", ["-i.wav", "http:example.wav", "a b'\"$(x);.wav", "%d.wav", "ü\n.wav"]
)
def test_no_name_is_an_option_a_protocol_or_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _write_wave(tmp_path / name, SAMPLE_RATE)
    monkeypatch.chdir(tmp_path)
    assert len(decode(Path(name))) == SAMPLE_RATE


def test_a_recording_without_end_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LONGEST_SECONDS", 5)
    with pytest.raises(InvalidMedia, match="longer than"):
        decode(make("long.wav", *SOUND))

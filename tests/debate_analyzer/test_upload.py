from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from debate_analyzer.errors import InvalidUpload
from debate_analyzer.key import parse_key, video_key
from debate_analyzer.language import LANGUAGES
from debate_analyzer.pipeline import TRANSCRIBE
from debate_analyzer.upload import UploadRequest, check_upload
from tests.world import JOB_ID

GIB = 2**30


def _check(
    filename: str = "a.mp4", size: int = 1, content_type: str = "video/mp4"
) -> tuple[str, str]:
    request = UploadRequest(filename=filename, size=size, content_type=content_type)
    return check_upload(request, max_bytes=5 * GIB)


@pytest.mark.parametrize(
    ("filename", "sentence"),
    [
        ("../../etc/passwd.mp4", "plain name"),
        ("..\\x.mp4", "plain name"),
        ("...", "plain name"),
        ("", "plain name"),
        ("a\x00b.mp4", "control characters"),
        ("a\nb.mp4", "control characters"),
        ("gpj.\u202e4pm.mp4", "control characters"),
        ("x" * 300 + ".mp4", "shorter name"),
        ("é" * 120 + ".mp4", "shorter name"),
        ("notes.txt", "not a recording"),
        ("noname", "not a recording"),
    ],
)
def test_a_bad_name_is_refused_with_a_sentence(filename: str, sentence: str) -> None:
    with pytest.raises(InvalidUpload, match=sentence):
        _check(filename)


def test_sizes() -> None:
    with pytest.raises(InvalidUpload, match="empty"):
        _check(size=0)
    with pytest.raises(InvalidUpload, match=r"5\.0 GiB is the most"):
        _check(size=5 * GIB + 1)
    assert _check(size=5 * GIB) == ("a.mp4", "video/mp4")


def test_a_type_that_contradicts_the_name_is_refused() -> None:
    with pytest.raises(InvalidUpload, match=r"ends in \.mp4.*text/html"):
        _check(content_type="text/html")


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "Audio/MP4; codecs=x"])
def test_a_missing_or_vague_type_is_filled_in(content_type: str) -> None:
    assert _check("A.M4A", content_type=content_type) == ("A.M4A", "audio/mp4")


@pytest.mark.parametrize("suffix", TRANSCRIBE.suffixes)
def test_every_suffix_of_the_pipeline_has_a_type(suffix: str) -> None:
    name, content_type = _check(f"x{suffix}", content_type="")
    assert content_type.split("/")[0] in ("audio", "video")
    assert name == f"x{suffix}"


@given(st.text(max_size=80).map(lambda stem: f"{stem}.mp4"))
def test_a_name_that_is_accepted_is_one_part_of_a_key_that_starts_the_chain(name: str) -> None:
    try:
        accepted, _ = _check(name)
    except InvalidUpload:
        return
    key = parse_key(video_key(JOB_ID, accepted))
    assert key is not None
    assert TRANSCRIBE.starts_from(key)
    assert key.name == accepted


@pytest.mark.parametrize("language", [None, *sorted(LANGUAGES)])
def test_every_language_of_whisper_may_be_given(language: str | None) -> None:
    assert UploadRequest(filename="a.mp4", size=1, language=language).language == language


@pytest.mark.parametrize("language", ["xx", "", "EN", "en-US", "english", "tlh", "es ", "{code}"])
def test_another_language_is_refused_with_a_sentence(language: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        UploadRequest(filename="a.mp4", size=1, language=language)
    (error,) = refusal.value.errors()
    assert error["loc"] == ("language",)
    assert error["msg"].startswith(f"{language!r} is not the code of a language")
    assert " en, es, et," in error["msg"]

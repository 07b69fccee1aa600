"""The manifest of a recording, and the names of what belongs to it."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from debate_analyzer.errors import (
    Conflict,
    IncompleteRecording,
    InvalidChunk,
    InvalidRequest,
    NotFound,
)
from debate_analyzer.ports import StoredObject
from debate_analyzer.recording import (
    EXTENSIONS,
    MAX_BYTES,
    MAX_CHUNK_BYTES,
    MAX_CHUNKS,
    MAX_DURATION_MS,
    ChunkRequest,
    Manifest,
    SessionRequest,
    document,
    name_numbers,
    new_session_id,
    parse_manifest,
    parse_manifest_key,
    user_folder,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def manifest(owner: str = "ana") -> Manifest:
    return Manifest(
        session_id=new_session_id(NOW),
        user_id=user_folder(owner),
        content_type="audio/webm",
        title="Council",
        published=True,
        created_at=NOW,
        updated_at=NOW,
    )


def request(seq: int, t_start: int | None = None, t_end: int | None = None) -> ChunkRequest:
    start = seq * 5000 if t_start is None else t_start
    return ChunkRequest(seq=seq, t_start=start, t_end=t_end or start + 5000, size=1000 + seq)


def announced(of: Manifest, *requests: ChunkRequest) -> Manifest:
    return of.announced([of.new_chunk(each) for each in requests], NOW)


def there(of: Manifest, seq: int) -> StoredObject:
    chunk = of.chunk(seq)
    return StoredObject(chunk.key, chunk.bytes, f"etag{seq}", chunk.content_type, NOW)


def completed(of: Manifest, *seqs: int) -> Manifest:
    return of.completed({seq: there(of, seq) for seq in seqs}, NOW)


@st.composite
def takes(draw: st.DrawFn) -> list[ChunkRequest]:
    """Chunks as a recorder gives them: ascending, apart, with gaps of number and time."""
    steps = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 900), st.integers(1, 9000))))
    seqs = accumulate(step for step, _, _ in steps)
    edges = [0, *accumulate(pause + length for _, pause, length in steps)]
    return [
        ChunkRequest(seq=seq - 1, t_start=start + pause, t_end=end, size=1000 + seq)
        for seq, (start, end), (_, pause, _) in zip(seqs, pairwise(edges), steps, strict=True)
    ]


@given(takes(), st.randoms(use_true_random=False))
def test_in_whatever_order_and_however_often_chunks_come_the_manifest_is_the_same(
    chunks: list[ChunkRequest], chance: random.Random
) -> None:
    base = manifest()
    orderly = announced(base, *chunks)
    orderly = completed(orderly, *(chunk.seq for chunk in chunks))

    steps = [("announce", chunk) for chunk in chunks] * 2
    steps += [("complete", chunk) for chunk in chunks] * 2
    chance.shuffle(steps)
    mixed = base
    for step, chunk in steps:
        if step == "announce":
            mixed = announced(mixed, chunk)
        else:
            try:
                mixed = completed(mixed, chunk.seq)
            except NotFound:  # nobody has announced it so far
                mixed = completed(announced(mixed, chunk), chunk.seq)
    assert document(mixed) == document(orderly)
    assert mixed.bytes == sum(chunk.size for chunk in chunks)
    assert mixed.duration_ms == max((chunk.t_end for chunk in chunks), default=0)
    assert parse_manifest(document(mixed)) == mixed


@given(takes().filter(bool), st.data())
def test_what_overlaps_or_goes_backwards_is_refused_and_changes_nothing(
    chunks: list[ChunkRequest], data: st.DataObject
) -> None:
    before = announced(manifest(), *chunks)
    hit = data.draw(st.sampled_from(chunks))
    start = data.draw(st.integers(0, hit.t_end - 1))
    end = data.draw(st.integers(max(start, hit.t_start) + 1, hit.t_end + 9000))
    free = [seq for seq in range(chunks[-1].seq + 2) if seq not in {c.seq for c in chunks}]
    intruder = ChunkRequest(seq=data.draw(st.sampled_from(free)), t_start=start, t_end=end, size=1)
    with pytest.raises(InvalidChunk, match=r"begins at .* before chunk \d+ ends"):
        announced(before, intruder)
    with pytest.raises(Conflict, match="is given to a chunk"):
        announced(before, request(hit.seq, hit.t_start, hit.t_end + 1))


@given(takes())
def test_what_is_missing_and_what_is_there_make_up_all_numbers(chunks: list[ChunkRequest]) -> None:
    of = announced(manifest(), *chunks)
    of = completed(of, *(chunk.seq for chunk in chunks[::2]))
    complete = {chunk.seq for chunk in of.complete_chunks}
    assert not complete & set(of.missing)
    assert complete | set(of.missing) == set(range(chunks[-1].seq + 1 if chunks else 0))


def test_either_all_of_several_chunks_are_announced_or_none() -> None:
    before = announced(manifest(), request(0))
    with pytest.raises(InvalidChunk):
        announced(before, request(1), request(2, 9000, 12000))
    assert [chunk.seq for chunk in before.chunks] == [0]


def test_a_chunk_that_ends_before_it_begins_is_refused() -> None:
    for t_start, t_end in ((5000, 5000), (5000, 4000)):
        with pytest.raises(InvalidChunk, match="must end later"):
            announced(manifest(), request(0, t_start, t_end))


@pytest.mark.parametrize(
    "nonsense",
    [
        {"seq": -1},
        {"seq": MAX_CHUNKS},
        {"t_start": -1},
        {"t_end": MAX_DURATION_MS + 1},
        {"size": 0},
        {"size": MAX_CHUNK_BYTES + 1},
        {"seq": "../../x"},
        {"seq": 1.5},
        {"ext": "webm/../../x"},
    ],
)
def test_numbers_that_no_recorder_gives_are_refused(nonsense: dict[str, Any]) -> None:
    good = {"seq": 1, "t_start": 5000, "t_end": 10_000, "size": 1000}
    ChunkRequest.model_validate(good)
    with pytest.raises(ValidationError):
        ChunkRequest.model_validate(good | nonsense)


def test_a_recording_has_a_largest_size() -> None:
    most = MAX_BYTES // MAX_CHUNK_BYTES
    chunks = [
        ChunkRequest(seq=seq, t_start=seq, t_end=seq + 1, size=MAX_CHUNK_BYTES)
        for seq in range(most)
    ]
    full = announced(manifest(), *chunks)
    with pytest.raises(InvalidChunk, match="another session"):
        announced(full, request(most))


def test_the_largest_manifest_fits_an_answer() -> None:
    of = manifest("a" * 200)
    length = MAX_DURATION_MS // MAX_CHUNKS
    of = announced(of, *(request(n, n * length, (n + 1) * length) for n in range(MAX_CHUNKS)))
    of = completed(of, *range(MAX_CHUNKS))
    assert len(document(of)) < 5 << 20


def test_a_recording_with_holes_is_not_finalized_and_told_which() -> None:
    of = completed(announced(manifest(), *map(request, [0, 1, 4, 5, 9])), 0, 4, 5)
    with pytest.raises(IncompleteRecording, match=r"chunks 1-3, 6-9 are missing"):
        of.finalized("job", [], NOW)
    with pytest.raises(IncompleteRecording, match=r"chunk 9 is missing"):
        of.finalized("job", [1, 2, 3, 6, 7, 8], NOW)
    with pytest.raises(InvalidRequest, match=r"Nothing is missing of chunks 4, 17"):
        of.finalized("job", [4, 17], NOW)
    sealed = of.finalized("job", [1, 2, 3, 6, 7, 8, 9], NOW).finalization
    assert sealed is not None
    assert sealed.without == (1, 2, 3, 6, 7, 8, 9)


def test_of_nothing_no_recording_is_made() -> None:
    with pytest.raises(IncompleteRecording, match="no complete chunk"):
        manifest().finalized("job", [], NOW)
    with pytest.raises(IncompleteRecording, match="no complete chunk"):
        announced(manifest(), request(0)).finalized("job", [0], NOW)


def test_finalized_again_it_stays_as_it_was() -> None:
    sealed = completed(announced(manifest(), request(0)), 0).finalized("first", [], NOW)
    assert sealed.finalized("second", [7], NOW + timedelta(hours=1)) is sealed
    assert completed(sealed, 0) is sealed
    for late in (
        lambda: announced(sealed, request(1)),
        lambda: sealed.described(NOW, title="Other"),
    ):
        with pytest.raises(Conflict, match="finalized"):
            late()
    done = sealed.handed_on(NOW)
    assert done.handed_on(NOW) is done
    with pytest.raises(Conflict):
        manifest().handed_on(NOW)


def test_a_chunk_given_up_comes_too_late() -> None:
    of = completed(announced(manifest(), request(0), request(1)), 0).finalized("job", [1], NOW)
    with pytest.raises(Conflict, match="finalized"):
        completed(of, 1)


def test_of_two_uploads_in_parts_that_begin_at_once_the_first_goes_on() -> None:
    of = announced(manifest(), request(0))
    first = of.begun(0, "one", instead_of=None, now=NOW)
    assert first.begun(0, "two", instead_of=None, now=NOW) is first
    assert first.begun(0, "three", instead_of="one", now=NOW).chunk(0).upload_id == "three"
    done = completed(first, 0)
    assert done.chunk(0).upload_id is None
    assert done.begun(0, "four", instead_of=None, now=NOW) is done


def test_numbers_are_named_in_stretches() -> None:
    assert name_numbers([3]) == "chunk 3"
    assert name_numbers([0, 1, 2, 7, 9, 10]) == "chunks 0-2, 7, 9-10"
    assert name_numbers(list(range(0, 60, 2))).endswith("18 and 20 more")


def test_a_document_that_is_no_manifest_is_told_so() -> None:
    for data in (b"", b"[]", b"{}", b"\xff"):
        with pytest.raises(InvalidRequest, match="manifest"):
            parse_manifest(data)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("audio/webm;codecs=opus", "audio/webm"),
        ("Audio/MP4", "audio/mp4"),
        ("audio/wav ", "audio/wav"),
    ],
)
def test_a_type_is_kept_without_its_codec(said: str, kept: str) -> None:
    assert SessionRequest(content_type=said).content_type == kept


@given(
    st.text(max_size=60).filter(lambda text: text.split(";")[0].strip().lower() not in EXTENSIONS)
)
def test_other_types_are_refused(content_type: str) -> None:
    with pytest.raises(ValidationError, match=r"a recording is one of|200"):
        SessionRequest(content_type=content_type)


# --- Names ----------------------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(min_size=1, max_size=60),
    st.text(alphabet="./\\%|:=?#&*\x00\n .-_aA0:~", min_size=1, max_size=60),
    st.sampled_from(
        ["..", ".", "../ana", "ana/..", "auth0|ana", "auth0%7Cana", "auth0.7Cana", "ANA", "аna"]
    ),
)


@settings(max_examples=1000)
@given(HOSTILE, HOSTILE)
def test_no_two_people_share_a_folder_and_none_leaves_it(one: str, other: str) -> None:
    try:
        folders = user_folder(one), user_folder(other)
    except InvalidRequest:
        assert max(len(each.encode("utf-8", "surrogatepass")) for each in (one, other)) > 255
        return
    assert (folders[0] == folders[1]) == (one == other)
    of = announced(manifest(one), request(7))
    [chunk] = of.chunks
    shape = (
        rf"users/{re.escape(folders[0])}/audio/sessions/{of.session_id}/"
        r"(manifest\.json|chunks/00007-35000-40000\.webm)"
    )
    for key in (of.key, chunk.key):
        assert re.fullmatch(shape, key)
        assert set(key) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./")
        assert not {"", ".", ".."} & set(key.split("/"))
        assert len(key) < 1024
    assert parse_manifest_key(of.key) == (folders[0], of.session_id)
    assert all(value.isascii() and value.isprintable() for value in of.metadata(chunk).values())


@pytest.mark.parametrize("owner", ["", "a" * 256, "é" * 128])
def test_a_subject_that_openid_does_not_allow_has_no_folder(owner: str) -> None:
    with pytest.raises(InvalidRequest, match="subject"):
        user_folder(owner)


@pytest.mark.parametrize(
    "key",
    [
        "users/ana/audio/sessions/../manifest.json",
        "users/a/b/audio/sessions/01234567-89ab-7def-8123-456789abcdef/manifest.json",
        "users/ana/audio/sessions/01234567-89ab-7def-8123-456789abcdef/manifest.json/x",
        "users//audio/sessions/01234567-89ab-7def-8123-456789abcdef/manifest.json",
        "jobs/01234567-89ab-7def-8123-456789abcdef/videos/x.mp4",
        "",
    ],
)
def test_no_other_key_is_a_manifests(key: str) -> None:
    assert parse_manifest_key(key) is None


def test_ids_tell_when_a_session_began_and_nobody_can_guess_them() -> None:
    ids = [new_session_id(NOW + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(ids)
    assert len({new_session_id(NOW) for _ in range(100)}) == 100
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-\w{12}", i)
        for i in ids
    )

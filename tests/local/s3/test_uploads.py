"""Where parts lie, and what a part that fits nowhere costs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.s3.body import Body, Digests, Region
from local.s3.uploads import LARGEST_OBJECT, Parts


def put(parts: Parts, number: int, data: bytes) -> Region:
    with parts.place(number, len(data)) as region:
        received(parts, number, region, data)
    kept: Region = parts[number]["body"].region
    return kept


def received(parts: Parts, number: int, region: Region, data: bytes) -> None:
    with region.path.open("r+b" if region.path.exists() else "wb") as file:
        file.seek(region.offset)
        file.write(data)
    parts[number] = facts(region, data)


def facts(region: Region, data: bytes) -> dict[str, Any]:
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return {"body": Body(region, Digests(md5)), "etag": f'"{md5}"', "size": len(data)}


def content(region: Region) -> bytes:
    return region.path.read_bytes()[region.offset : region.offset + region.size]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_parts_in_any_order_lie_as_in_the_object(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    put(parts, 2, b"bbb")
    put(parts, 1, b"aaa")
    put(parts, 3, b"c")
    joined = parts.in_place([1, 2, 3])
    assert joined is not None
    assert content(joined) == b"aaabbbc"
    assert files(tmp_path) == {"object", "1.part", "2.part", "3.part"}


def test_a_part_of_another_size_is_copied_into_place(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    put(parts, 3, b"c")  # the short one comes first, and nobody knows that it is the last
    put(parts, 1, b"aaa")
    put(parts, 2, b"bbb")
    assert parts.in_place([1, 2, 3]) is None
    assert content(parts.copied([1, 2, 3])) == b"aaabbbc"


def test_a_hole_in_the_list_is_no_hole_in_the_object(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    for number, data in enumerate((b"aaa", b"bbb", b"ccc"), start=1):
        put(parts, number, data)
    assert parts.in_place([1, 3]) is None
    assert content(parts.copied([1, 3])) == b"aaaccc"


def test_a_part_sent_again_takes_the_place_of_the_first_when_it_is_whole(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    put(parts, 1, b"aaa")
    with parts.place(1, 3) as region:
        region.path.write_bytes(b"xx")  # and no more: it is not put in
    assert content(parts[1]["body"].region) == b"aaa"
    assert not region.path.exists()
    put(parts, 1, b"xxx")
    put(parts, 1, b"yyy")
    assert content(parts.copied([1])) == b"yyy"
    assert len(files(tmp_path)) == 4  # the first, the last, the facts, and the copy


def test_the_same_part_sent_again_stays_where_it_lies(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    first = put(parts, 1, b"aaa")
    assert put(parts, 1, b"aaa") == first
    assert files(tmp_path) == {"object", "1.part"}


def test_two_that_send_one_part_at_once_do_not_write_over_each_other(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    with parts.place(1, 3) as one, parts.place(1, 3) as other:
        assert one.path != other.path
        received(parts, 1, other, b"bbb")
        received(parts, 1, one, b"aaa")
    assert content(parts[1]["body"].region) == b"aaa"
    assert not other.path.exists()


def test_nobody_is_given_a_file_that_another_still_writes(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    put(parts, 1, b"aaa")
    with parts.place(2, 3):
        assert parts.in_place([1]) is None
    assert parts.in_place([1]) is not None


def test_a_place_that_was_not_used_is_free_again(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    with parts.place(1, 3) as first:
        pass
    assert put(parts, 1, b"aaa") == first


def test_a_number_far_away_makes_no_file_that_no_disk_has(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    with parts.place(1, LARGEST_OBJECT // 2), parts.place(10_000, LARGEST_OBJECT // 2) as far:
        assert far.offset == 0


def test_all_of_it_is_there_after_a_restart(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    put(parts, 2, b"bbb")
    put(parts, 3, b"cccc")
    (tmp_path / "9.0123456789abcdef").write_bytes(b"half a part")
    (tmp_path / "9.part.tmp").write_text("{")
    again = Parts.load(tmp_path)
    assert again == parts
    assert files(tmp_path) == files(tmp_path) - {"9.0123456789abcdef", "9.part.tmp"}
    assert put(again, 4, b"d") == Region(tmp_path / "object", 9, 1)
    with again.place(2, 3) as region:
        assert region.path.name != "object"
    assert put(again, 1, b"aaa") == Region(tmp_path / "object", 0, 3)
    assert content(again.copied([1, 2, 3, 4])) == b"aaabbbccccd"


def test_bytes_in_memory_are_put_on_disk(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts[1] = {"body": b"copied", "etag": '"x"', "size": 6}
    assert content(Parts.load(tmp_path)[1]["body"].region) == b"copied"


@given(
    sent=st.lists(st.tuples(st.integers(1, 6), st.binary(max_size=5)), min_size=1, max_size=12),
    restart=st.integers(0, 12),
)
def test_whatever_was_sent_the_object_is_the_last_of_each(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[int, bytes]], restart: int
) -> None:
    folder = tmp_path_factory.mktemp("upload")
    parts = Parts(folder)
    for place, (number, data) in enumerate(sent):
        if place == restart:
            parts = Parts.load(folder)
        put(parts, number, data)
    last = dict(sent)
    numbers = sorted(last)
    joined = parts.in_place(numbers) or parts.copied(numbers)
    assert content(joined) == b"".join(last[number] for number in numbers)

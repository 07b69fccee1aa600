"""What people do with a debate, from its first byte on, in order: each story a few requests, and
all that they lead to. Between them there is a client that asks again until it has an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import numpy as np

from debate_analyzer.key import edits_key, video_key
from debate_analyzer.pipeline import Status
from tests.faults.cloud import Cloud
from tests.faults.judge import Wish
from tests.world import BUCKET, JOB_ID, MOVING_PICTURES, wav

_PATIENCE = timedelta(days=5)
_NAME = "town hall.mp4"
_TYPE = "video/mp4"
_REQUEST = {
    "filename": _NAME,
    "size": len(MOVING_PICTURES),
    "content_type": _TYPE,
    "notify": "ana@example.org",
}


def settle(cloud: Cloud) -> None:
    """Until nothing is owed to anybody any more."""
    cloud.settle(within=_PATIENCE)


def _ask(cloud: Cloud, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The last answer's body; of what was said before it nobody heard."""
    heard: list[dict[str, Any]] = []
    cloud.ask(method, path, body, heard.append)
    while not heard or heard[-1]["statusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        assert cloud.step(), f"{method} {path} was never answered: {heard}"
    answer = heard[-1]
    assert answer["statusCode"] < HTTPStatus.BAD_REQUEST or answer["statusCode"] in (
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,  # it was done, and the answer was lost
    ), answer
    read: dict[str, Any] = json.loads(answer.get("body") or "{}")
    return read


def announced(cloud: Cloud, data: bytes = MOVING_PICTURES, **said: Any) -> Wish:
    """By PUT, as the page does it."""
    return _put(cloud, _announce(cloud, {**_REQUEST, "size": len(data), **said}), data)


def _announce(cloud: Cloud, request: dict[str, Any]) -> str:
    """Again where it was refused: the row that was made, and not told of, is given up in a day."""
    answer: dict[str, Any] = {}
    while "job" not in answer:
        answer = _ask(cloud, "POST", "/api/uploads", request)
    job_id: str = answer["job"]["job_id"]
    return job_id


def _put(cloud: Cloud, job_id: str, data: bytes = MOVING_PICTURES) -> Wish:
    wish = Wish(job_id)
    wish.recording = cloud.store.put(wish.key, data, _TYPE)
    return wish


def upload(cloud: Cloud) -> list[Wish]:
    wish = announced(cloud)
    settle(cloud)
    return [wish]


def in_parts(cloud: Cloud) -> list[Wish]:
    row = cloud.table.rows[_announce(cloud, {**_REQUEST, "multipart": True})]
    assert row.upload_id is not None
    cloud.store.put_part(row.upload_id, 1, MOVING_PICTURES)
    _ask(cloud, "POST", f"/api/uploads/{row.job_id}/complete", {})
    found = cloud.store.head(video_key(row.job_id, _NAME))
    assert found is not None
    settle(cloud)
    return [Wish(row.job_id, found.etag)]


def by_console(cloud: Cloud, data: bytes = MOVING_PICTURES) -> list[Wish]:
    """Nobody announces it."""
    wish = _put(cloud, JOB_ID, data)
    settle(cloud)
    return [wish]


def import_(cloud: Cloud) -> list[Wish]:
    """What lies elsewhere in the bucket is copied, by the download job."""
    etag = cloud.store.put(f"incoming/{_NAME}", MOVING_PICTURES, _TYPE)
    job = _ask(cloud, "POST", "/api/jobs", {"uri": f"s3://{BUCKET}/incoming/{_NAME}"})
    settle(cloud)
    return [Wish(job["job_id"], etag)]


def in_chunks(cloud: Cloud) -> list[Wish]:
    """As a browser records it: two pieces of one stream, sealed, and joined by the download job."""
    sound = wav(np.arange(32_000, dtype=np.int16))
    base, session = "/api/audio/sessions", ""
    while not session:
        session = _ask(cloud, "POST", base, {"content_type": "audio/wav"}).get("session_id", "")
    for seq, piece in enumerate((sound[:32_044], sound[32_044:])):
        chunks, second = f"{base}/{session}/chunks", seq * 1000
        asked = {"seq": seq, "size": len(piece), "t_start": second, "t_end": second + 1000}
        target = _ask(cloud, "POST", f"{chunks}/presign", asked)
        cloud.store.put(target["key"], piece, "audio/wav")
        _ask(cloud, "POST", f"{chunks}/complete", {"seq": seq})
    job_id = _ask(cloud, "POST", f"{base}/{session}/finalize", {})["job_id"]
    settle(cloud)
    assert set(cloud.table.rows) == {job_id}, "it became two debates"
    told = {(kind, detail.get("seq")) for kind, detail in cloud.events}
    chunks_told = {("AudioChunkUploaded", seq) for seq in range(2)}
    assert told == {*chunks_told, ("RecordingFinalized", None)}
    media = cloud.table.rows[job_id].media
    found = cloud.store.get(media.key) if media else None
    assert found is not None
    assert sound[44:] in found[0], "there is a moment too few, or too many"
    return [Wish(job_id, found[1])]


def edit(cloud: Cloud) -> list[Wish]:
    wish = announced(cloud)
    settle(cloud)
    rename = {"op": "rename", "speaker": "SPEAKER_00", "name": "Ada"}
    _ask(cloud, "POST", f"/api/jobs/{wish.job_id}/edits", {"operations": [rename]})
    settle(cloud)
    found = cloud.store.head(edits_key(wish.job_id))
    wish.edits = found.etag if found else None
    return [wish]


def retry(cloud: Cloud) -> list[Wish]:
    wish = announced(cloud)
    settle(cloud)
    _ask(cloud, "POST", f"/api/jobs/{wish.job_id}/retry", {"stage": "transcribe"})
    wish.orders.add("retry")
    settle(cloud)
    return [wish]


def withdraw(cloud: Cloud) -> list[Wish]:
    """Out of the index, and back into it."""
    wish = announced(cloud)
    settle(cloud)
    for published in (False, True):
        _ask(cloud, "PATCH", f"/api/jobs/{wish.job_id}", {"published": published, "title": "T"})
        settle(cloud)
    return [wish]


def cancel(cloud: Cloud) -> list[Wish]:
    wish = announced(cloud)
    cloud.go(timedelta(seconds=30))
    wish.orders.add("cancel")
    _ask(cloud, "POST", f"/api/jobs/{wish.job_id}/cancel")
    settle(cloud)
    return [wish]


def delete(cloud: Cloud) -> list[Wish]:
    """Of what was shared, liked and told of."""
    wish = announced(cloud)
    settle(cloud)
    path = f"/api/jobs/{wish.job_id}"
    _ask(cloud, "POST", f"{path}/shares", {})
    _ask(cloud, "PUT", f"{path}/feedback", {"useful": True})
    wish.orders.add("delete")
    wish.granted.add("delete")
    _ask(cloud, "DELETE", path)
    settle(cloud)
    assert cloud.table.rows[wish.job_id].status is Status.DELETED
    return [wish]


STORIES: dict[str, Callable[[Cloud], list[Wish]]] = {
    "an upload": upload,
    "an upload in parts": in_parts,
    "by the console": by_console,
    "an import": import_,
    "a recording in chunks": in_chunks,
    "an edit": edit,
    "a retry": retry,
    "withdrawn, published": withdraw,
    "cancelled": cancel,
    "deleted": delete,
}

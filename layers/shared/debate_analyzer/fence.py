"""A fence around what workers write: nothing that an older claim made lies over a newer one's.

A lease may end while its holder sleeps between its last look at the row and its write, and nothing
in the bucket knows of leases. So each object says which claim made it, by a fencing token, and S3
is asked to write only over what was seen there (M. Kleppmann, "How to do distributed locking",
2016; https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from __future__ import annotations

from debate_analyzer.errors import Conflict
from debate_analyzer.job import Settled
from debate_analyzer.ports import ObjectStore

_TRIES = 5


def put_fenced(store: ObjectStore, key: str, data: bytes, content_type: str, *, token: int) -> None:
    """Write the object unless a claim with a higher `token` has written it: then raise Settled.

    `token` is the row's version when the work was claimed. The same token stands for the same
    bytes. Raises Conflict if others kept writing first.
    """
    etag = ""  # most are written once, and nothing is there
    for _ in range(_TRIES):
        try:
            store.put(key, data, content_type, if_match=etag, fencing_token=token)
        except Conflict:
            there = store.head(key)
        else:
            return
        if there is not None and there.fencing_token == token:
            return  # by us: the answer was lost, and boto3 asked again
        if there is not None and there.fencing_token > token:
            raise Settled(f"{key} was written by whoever took over.")
        etag = there.etag if there is not None else ""
    raise Conflict(f"{key} was written by others {_TRIES} times in a row.")

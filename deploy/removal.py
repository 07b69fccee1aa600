"""What outlives a stack, what keeping it costs, and how it is deleted in the end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_KEEPS = ("Retain", "RetainExceptOnCreate")


class Kind(StrEnum):
    """What the template keeps. The values are CloudFormation's."""

    BUCKET = "AWS::S3::Bucket"
    TABLE = "AWS::DynamoDB::Table"
    USER_POOL = "AWS::Cognito::UserPool"
    KEY = "AWS::KMS::Key"
    DATABASE = "AWS::RDS::DBInstance"
    """As a snapshot."""


@dataclass(frozen=True)
class Kept:
    """Something that the deletion of its stack leaves behind. `size` in bytes, None if unknown."""

    kind: Kind
    id: str
    size: int | None = None


# A month, in us-east-1, November 2026: a GB, and what each costs whatever its size.
# https://aws.amazon.com/{s3,dynamodb,rds/postgresql,kms}/pricing/
_PER_GB = {Kind.BUCKET: 0.023, Kind.TABLE: 0.25 + 0.20, Kind.DATABASE: 0.095}
_EACH = {Kind.KEY: 1.00}


def kept(
    template: Mapping[str, Any], resources: Mapping[str, tuple[str, str]]
) -> list[tuple[Kind, str]]:
    """Kind and physical id of what the template's deletion policies keep.

    Raises ValueError for a kind that nobody has told how to delete.
    """
    found = []
    for name, (_, physical_id) in resources.items():
        resource = template["Resources"].get(name, {})
        policy = resource.get("DeletionPolicy")
        if policy in _KEEPS or policy == "Snapshot":
            found.append((Kind(resource["Type"]), physical_id))
    return found


def monthly_cost(one: Kept) -> float:
    """Dollars, about: at the list price of us-east-1, as if all of it lay in standard storage."""
    return _EACH.get(one.kind, 0.0) + _PER_GB.get(one.kind, 0.0) * (one.size or 0) / 2**30


def described(one: Kept) -> str:
    """A line on what is kept, what it costs, and how to delete it later."""
    match one.kind:
        case Kind.BUCKET:
            what = f"the bucket {one.id}, {_amount(one)}"
            how = f"aws s3 rb s3://{one.id} --force"
        case Kind.TABLE:
            what = f"the table {one.id}, {_amount(one)}"
            how = f"aws dynamodb delete-table --table-name {one.id}"
        case Kind.USER_POOL:
            what = f"the user pool {one.id}, free of charge while nobody signs in"
            how = f"aws cognito-idp delete-user-pool --user-pool-id {one.id}"
        case Kind.KEY:
            what = f"the key {one.id}, {_price(one)}; without it what it encrypted is lost"
            how = f"aws kms schedule-key-deletion --key-id {one.id}"
        case Kind.DATABASE:
            what = f"a last snapshot of the database {one.id}, {_amount(one)} at most"
            how = (
                f"aws rds describe-db-snapshots --db-instance-identifier {one.id}, then "
                "aws rds delete-db-snapshot"
            )
    return f"{what}\n      to delete it: {how}"


def _amount(one: Kept) -> str:
    size = "of unknown size" if one.size is None else f"{one.size / 2**30:.2f} GiB"
    return f"{size}, {_price(one)}"


def _price(one: Kept) -> str:
    return f"about ${monthly_cost(one):.2f} a month"


def in_order(things: Iterable[Kept]) -> list[Kept]:
    """As they are to be deleted: keys last, when nothing encrypted with them is left."""
    return sorted(things, key=lambda one: one.kind is Kind.KEY)

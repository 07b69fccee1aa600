"""The account's quotas that bound a deployment, by service and code.

https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """One quota; its value differs by account and region."""

    service: str
    code: str
    name: str

    def request(self, vcpus: int) -> str:
        """The command that asks for more."""
        return (
            f"aws service-quotas request-service-quota-increase --service-code {self.service} "
            f"--quota-code {self.code} --desired-value {vcpus}"
        )


FARGATE = Quota("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count")

_ON_DEMAND = {
    "g": Quota("ec2", "L-DB2E81BA", "Running On-Demand G and VT instances"),
    "p": Quota("ec2", "L-417A185B", "Running On-Demand P instances"),
    "standard": Quota("ec2", "L-1216C47A", "Running On-Demand Standard instances"),
}
_SPOT = {
    "g": Quota("ec2", "L-3819A6DF", "All G and VT Spot Instance Requests"),
    "p": Quota("ec2", "L-7212CCBC", "All P Spot Instance Requests"),
    "standard": Quota("ec2", "L-34B43A08", "All Standard Spot Instance Requests"),
}
_STANDARD = ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z")
_FAMILIES = {"g": "g", "gr": "g", "vt": "g", "p": "p", **dict.fromkeys(_STANDARD, "standard")}


def ec2(instance_type: str, *, spot: bool) -> Quota | None:
    """The quota that counts this type's vCPUs, or None for a family that none of these counts."""
    letters = re.match(r"[a-z]+", instance_type)
    family = _FAMILIES.get(letters[0]) if letters else None
    return (_SPOT if spot else _ON_DEMAND)[family] if family else None

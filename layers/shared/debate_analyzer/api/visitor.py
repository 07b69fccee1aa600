"""The address that a request came from, and how often it may ask.

API Gateway sees CloudFront where the site is before it. The site's own function
(stacks/site.yaml) writes the visitor's address into a header, and the distribution adds a secret
that proves it: without that, the header is anybody's word.
"""

from __future__ import annotations

from functools import cache
from hmac import compare_digest

from debate_analyzer.api.request import Request
from debate_analyzer.config import Settings
from debate_analyzer.job import utc_now

ADDRESS_HEADER = "x-viewer-address"
PROOF_HEADER = "x-origin-proof"


def admit(request: Request, settings: Settings) -> str:
    """The network that asks, its request counted; empty where nothing is counted by it.

    Raises TooManyRequests.
    """
    if not settings.allowance.requests_per_minute and not settings.anonymous:
        return ""
    from debate_analyzer.bootstrap import limits
    from debate_analyzer.limits import network

    asking = network(address(request, settings))
    limits(settings).ask(asking, utc_now())
    return asking


def address(request: Request, settings: Settings) -> str:
    """The visitor's, if the site vouches for it, or else the one that API Gateway saw."""
    said, proof = request.headers.get(ADDRESS_HEADER), request.headers.get(PROOF_HEADER)
    arn = settings.origin_proof_arn
    if said and proof and arn and compare_digest(proof.encode(), _secret(arn).encode()):
        return said
    return request.address


@cache
def _secret(arn: str) -> str:
    """Asked for once a process, and only where somebody offers a proof."""
    from debate_analyzer.bootstrap import secret_text

    return secret_text(arn)

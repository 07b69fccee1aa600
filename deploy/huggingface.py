"""Whether a token may download the diarization model: its terms have to be accepted by hand."""

from __future__ import annotations

import httpx

from batch_images.transcribe.diarization.pyannote_diarizer import COMMUNITY_1
from deploy.finding import Finding, error, ok, warning

_HUB = "https://huggingface.co"
_TIMEOUT = httpx.Timeout(10)


def token_finding(
    token: str, model: str = COMMUNITY_1, transport: httpx.BaseTransport | None = None
) -> Finding:
    """Asks Hugging Face, and nobody else; a warning where it does not answer.

    The question is `huggingface_hub.auth_check`'s:
    https://huggingface.co/docs/huggingface_hub/package_reference/hf_api#huggingface_hub.HfApi.auth_check
    """
    if not (token.isascii() and token.isprintable() and " " not in token):
        return error("token", "The Hugging Face token holds characters that no token has.")
    try:
        with httpx.Client(transport=transport, timeout=_TIMEOUT) as client:
            status = client.get(
                f"{_HUB}/api/models/{model}/auth-check",
                headers={"authorization": f"Bearer {token}"},
            ).status_code
    except httpx.TransportError as fault:
        return warning("token_unknown", f"Hugging Face does not answer ({fault}): not checked.")
    match status:
        case 200:
            return ok("token", f"The Hugging Face token may download {model}.")
        case 401:
            return error(
                "token",
                "Hugging Face does not know the token: it is mistyped, expired or revoked. Create "
                "one at https://hf.co/settings/tokens.",
            )
        case 403:
            return error(
                "terms",
                f"The token may not download {model}: accept its terms at {_HUB}/{model}, signed "
                "in as the token's owner; a fine-grained token also wants “read access to public "
                "gated repositories”.",
            )
        case _:
            return warning("token_unknown", f"Hugging Face answers {status}: not checked.")

"""Tokens that somebody made up, at the gateway of the deployed stack: none gets in.

An issuer of our own takes the user pool's place, so that tokens can be signed that are wrong in one
thing only. RFC 8725 names the attacks; API Gateway's own rules are at
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.server import HOST
from tests.local.site import Site, running_site

pytestmark = pytest.mark.emulator

AUDIENCE = "debates"
FORGERIES = 1000


def text64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def json64(value: Any) -> str:
    return text64(json.dumps(value).encode())


def number64(number: int) -> str:
    return text64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


class Key:
    """A key pair, and what may be known of it."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self.public = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": kid,
            "n": number64(numbers.n),
            "e": number64(numbers.e),
        }
        self.pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, signed: str) -> str:
        return text64(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))


@dataclass(frozen=True)
class Issuer:
    """Answers with its keys, as OpenID Connect has it."""

    url: str
    key: Key

    def claims(self, **other: Any) -> dict[str, Any]:
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "eve", "iat": now - 5, "exp": now + 600}
        return {name: value for name, value in (good | other).items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid} | (header or {})
        signed = f"{json64(head)}.{json64(self.claims(**claims))}"
        return f"{signed}.{self.key.sign(signed)}"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    key = Key("one")

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
                "/keys": {"keys": [key.public]},
            }
            body = json.dumps(known.get(self.path, {})).encode()
            self.send_response(200 if self.path in known else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer((HOST, 0), Answers)
    url = f"http://{HOST}:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Issuer(url, key)
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[httpx.Client]:
    """The deployed API, which now trusts the issuer."""
    with running_site(tmp_path_factory.mktemp("tokens")) as site:
        site.silence()
        _trust(site, issuer)
        api = f"/_aws/execute-api/{site.stack.outputs['ApiId']}/$default"
        with httpx.Client(base_url=site.deployed.endpoint() + api, timeout=60) as client:
            yield client


def _trust(site: Site, issuer: Issuer) -> None:
    client, api = site.client("apigatewayv2"), site.stack.outputs["ApiId"]
    [authorizer] = client.get_authorizers(ApiId=api)["Items"]
    client.update_authorizer(
        ApiId=api,
        AuthorizerId=authorizer["AuthorizerId"],
        JwtConfiguration={"Issuer": issuer.url, "Audience": [AUDIENCE]},
    )


def asked(gateway: httpx.Client, token: str) -> int:
    return gateway.get("/api/jobs", headers={"authorization": f"Bearer {token}"}).status_code


def test_any_issuer_s_token_is_taken_if_it_is_right_in_everything(
    gateway: httpx.Client, issuer: Issuer
) -> None:
    assert asked(gateway, issuer.token()) == 200
    assert asked(gateway, issuer.token(aud=["others", AUDIENCE])) == 200


def unsigned(issuer: Issuer, algorithm: str) -> str:
    head = {"alg": algorithm, "typ": "JWT", "kid": issuer.key.kid}
    return f"{json64(head)}.{json64(issuer.claims())}."


def confused(issuer: Issuer, secret: bytes) -> str:
    """Signed with HMAC, the public key for a secret: who trusts `alg` takes it (RFC 8725, 2.1)."""
    head = {"alg": "HS256", "typ": "JWT", "kid": issuer.key.kid}
    signed = f"{json64(head)}.{json64(issuer.claims())}"
    return f"{signed}.{text64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def brought_along(issuer: Issuer, **header: Any) -> str:
    """Signed with a key of one's own, which the header brings or points to (RFC 8725, 2.8)."""
    own = Key(header.get("kid", issuer.key.kid))
    return Issuer(issuer.url, own).token({name: v or own.public for name, v in header.items()})


def forgeries(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Each way by name."""
    now = int(time.time())
    ways: dict[str, Callable[[], str]] = {
        "no algorithm": partial(unsigned, issuer, "none"),
        "no algorithm, in capitals": partial(unsigned, issuer, "NoNe"),
        "key for a secret": partial(confused, issuer, issuer.key.pem),
        "key's number for a secret": partial(confused, issuer, issuer.key.public["n"].encode()),
        "empty secret": partial(confused, issuer, b""),
        "own key in the header": partial(brought_along, issuer, jwk=None),
        "own key by URL": partial(brought_along, issuer, jku="http://127.0.0.1:1/keys"),
        "own certificate by URL": partial(brought_along, issuer, x5u="https://example.org/x"),
        "own key of the same name": partial(brought_along, issuer, kid=issuer.key.kid),
        "unknown key": partial(brought_along, issuer, kid="two"),
        "key's name leads elsewhere": partial(brought_along, issuer, kid="../../../dev/null"),
        "key's name is a query": partial(brought_along, issuer, kid="' UNION SELECT 'x"),
        "another issuer": lambda: issuer.token(iss="https://evil.example.org"),
        "issuer that begins the same": lambda: issuer.token(iss=issuer.url + ".evil.example.org"),
        "no issuer": lambda: issuer.token(iss=None),
        "another audience": lambda: issuer.token(aud="others"),
        "no audience": lambda: issuer.token(aud=None),
        "audience that begins the same": lambda: issuer.token(aud=AUDIENCE + "2"),
        "audiences in one": lambda: issuer.token(aud=f"others {AUDIENCE}"),
        "expired": lambda: issuer.token(exp=now - 1),
        "not yet": lambda: issuer.token(nbf=now + 600),
        "from the future": lambda: issuer.token(iat=now + 600),
        "two parts": lambda: issuer.token().rpartition(".")[0],
        "four parts": lambda: issuer.token() + ".e30",
        "no signature": lambda: issuer.token().rpartition(".")[0] + ".",
        "nothing but dots": lambda: "..",
    }
    for name, make in ways.items():
        yield name, make()


def test_a_token_that_is_wrong_in_one_thing_is_refused(
    gateway: httpx.Client, issuer: Issuer
) -> None:
    let_in = [name for name, token in forgeries(issuer) if asked(gateway, token) != 401]

    assert let_in == []


def altered(token: str, chance: random.Random) -> str:
    """A character or a stretch of it is another, or two parts have changed places."""
    match chance.randrange(4):
        case 0:
            at = chance.randrange(len(token))
            return token[:at] + chance.choice("ABCDEFxyz019-_") + token[at + 1 :]
        case 1:
            start = chance.randrange(len(token))
            return token[:start] + token[start + chance.randrange(1, 40) :]
        case 2:
            head, _, rest = token.partition(".")
            return f"{head}.{text64(chance.randbytes(chance.randrange(1, 200)))}.{rest[-342:]}"
    parts = token.split(".")
    chance.shuffle(parts)
    return ".".join(parts)


def test_a_thousand_altered_tokens_are_refused(gateway: httpx.Client, issuer: Issuer) -> None:
    chance = random.Random(8725)
    good = issuer.token()
    tried = 0
    while tried < FORGERIES:
        token = altered(good, chance)
        if _means_the_same(token, good):
            continue
        tried += 1
        assert asked(gateway, token) == 401, token


def _means_the_same(token: str, good: str) -> bool:
    """Base64 has bits to spare at the end of a part: another last letter may be the same bytes."""

    def bytes_of(text: str) -> list[bytes]:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(".")]

    try:
        return bytes_of(token) == bytes_of(good)
    except ValueError:
        return False

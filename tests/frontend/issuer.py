"""An issuer of OpenID Connect on an origin of its own, and what stands before the API where people
sign in: API Gateway's authorizer, and a bucket that is another origin than the page."""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.server import bind
from local.web.guard import PAGE_POLICY
from tests.frontend.backend import problem
from tests.frontend.certificate import certify

CLIENT = "page"
_COOKIE = "session"


class Issuer:
    """Accounts are names; whoever clicks on one is signed in as it."""

    def __init__(self, port: int) -> None:
        self.url = f"https://localhost:{port}"
        self.page = ""
        """Where it sends people back to, and nowhere else."""
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.named = self.url
        """Who it says that it is when it sends people back."""
        self.revoked: set[str] = set()
        """Access tokens that the API takes no more."""
        self.away = False
        self._codes: dict[str, dict[str, str]] = {}
        self._refresh: dict[str, str] = {}
        """Accounts by the tokens that are good for another."""
        self.renewals = 0
        routes = [
            Route("/.well-known/openid-configuration", self._discovery),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/jwks", self._keys),
            Route("/revoke", self._revoke, methods=["POST"]),
            Route("/logout", self._log_out),
        ]
        cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])
        self.app = Starlette(routes=routes, middleware=[cors])

    def claims(self, token: str) -> dict[str, Any] | None:
        """What the token says, or None where it is not good."""
        try:
            claims = jwt.decode(token, self.key, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        good = token not in self.revoked and claims["iss"] == self.url
        return claims if good and claims.get("client_id") == CLIENT else None

    def end_all(self) -> None:
        """No refresh token is good any more."""
        self._refresh.clear()

    async def _discovery(self, _: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "revocation_endpoint": f"{self.url}/revoke",
                "end_session_endpoint": f"{self.url}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == self.page
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        chosen = asked.pop("as", None)
        account = chosen or request.cookies.get(_COOKIE)
        if account is None and asked.get("prompt") != "none":
            links = "".join(
                f'<p><a href="?{escape(urlencode({**asked, "as": name}))}">{name}</a>'
                for name in ("ada@example.org", "grace@example.org")
            )
            return HTMLResponse(f"<!doctype html><title>Who are you?</title>{links}")
        answer = {"state": asked["state"], "iss": self.named}
        if account is None:
            answer["error"] = "login_required"
        else:
            answer["code"] = secrets.token_urlsafe()
            self._codes[answer["code"]] = {**asked, "account": account}
        back = RedirectResponse(f"{self.page}?{urlencode(answer)}", 302)
        if chosen:
            back.set_cookie(_COOKIE, chosen, secure=True, httponly=True)
        return back

    async def _token(self, request: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        form = await _form(request)
        assert form["client_id"] == CLIENT
        if form["grant_type"] == "refresh_token":
            account = self._refresh.pop(form["refresh_token"], None)  # each is good for one
            self.renewals += 1
            return self._tokens(account, None) if account else _invalid_grant()
        begun = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge:
            return _invalid_grant()
        assert form["redirect_uri"] == begun["redirect_uri"]
        return self._tokens(begun["account"], begun["nonce"])

    def _tokens(self, account: str, nonce: str | None) -> Response:
        now = int(time.time())
        refresh = secrets.token_urlsafe()
        self._refresh[refresh] = account
        common = {"iss": self.url, "sub": account, "iat": now, "exp": now + 3600}
        own = {"client_id": CLIENT, "jti": secrets.token_urlsafe()}
        about = {"aud": CLIENT, "email": account, **({"nonce": nonce} if nonce else {})}
        return JSONResponse(
            {
                "token_type": "Bearer",
                "expires_in": 3600,
                "access_token": self._signed({**common, **own}),
                "id_token": self._signed({**common, **about}),
                "refresh_token": refresh,
            }
        )

    def _signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    async def _revoke(self, request: Request) -> Response:
        self._refresh.pop((await _form(request))["token"], None)
        return Response()

    async def _log_out(self, request: Request) -> Response:
        back = RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)
        assert back.headers["location"] == self.page
        back.delete_cookie(_COOKIE, secure=True, httponly=True)
        return back

    @property
    def sessions(self) -> int:
        """How many could be renewed."""
        return len(self._refresh)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _invalid_grant() -> Response:
    return JSONResponse({"error": "invalid_grant"}, status_code=400)


@contextmanager
def issuing(folder: Path) -> Iterator[Issuer]:
    """An issuer that answers; its certificate is nobody's."""
    socket = bind(0)
    issuer = Issuer(socket.getsockname()[1])
    certificate = certify(folder)
    config = uvicorn.Config(
        issuer.app,
        log_config=None,
        access_log=False,
        ssl_keyfile=certificate.key,
        ssl_certfile=certificate.chain,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
    thread.start()
    yield issuer
    server.should_exit = True
    thread.join()
    socket.close()


class SignedIn:
    """A site whose API wants a token of the issuer's, and whose bucket is another origin."""

    def __init__(self, app: ASGIApp, issuer: Issuer) -> None:
        self._app = app
        self.issuer = issuer
        self.owners: dict[str, str] = {}
        """Accounts by the ids of debates that are theirs alone."""
        self.asked: list[tuple[str, str | None]] = []
        """Each path, with the token that came."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        host = headers["host"]
        bucket = f"http://localhost:{host.partition(':')[2]}"
        self.asked.append((path, headers.get("authorization")))
        answer = self._answer(path, headers.get("authorization", "")) or self._app
        await answer(scope, receive, _on_aws(send, bucket, self.issuer.url))

    def _answer(self, path: str, authorization: str) -> Response | None:
        if path == "/config.json":
            found = {"issuer": self.issuer.url, "clientId": CLIENT, "scope": "openid email"}
            return JSONResponse({"signIn": found})
        if not path.startswith("/api/") or path.startswith("/api/shared/"):
            return None
        claims = self.issuer.claims(authorization.removeprefix("Bearer "))
        if claims is None:
            return JSONResponse({"message": "Unauthorized"}, status_code=401)
        job_id = path.split("/")[3] if path.startswith("/api/jobs/") else ""
        if self.owners.get(job_id, claims["sub"]) != claims["sub"]:
            return problem(404, "not_found", "There is no such debate here.")
        return None


def _on_aws(send: Send, bucket: str, issuer: str) -> Send:
    """As stacks/site.yaml has it: the policy names the bucket and the issuer."""
    policy = PAGE_POLICY.replace("media-src 'self'", f"media-src 'self' {bucket}")
    policy = policy.replace("connect-src 'self'", f"connect-src 'self' {bucket} {issuer}")

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = policy
            headers["access-control-allow-origin"] = "*"  # of the bucket; no harm elsewhere
            if urlsplit(headers.get("location", "")).path.startswith("/bucket/"):
                headers["location"] = bucket + headers["location"]
        await send(message)

    return sent

"""Who may look: this machine alone, or whoever has the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import SplitResult, urlsplit

COOKIE = "gar_ssl_live"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Access:
    """Decides by a request's headers. host: the address that is served. secure: True over https."""

    host: str = "127.0.0.1"
    secure: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def open(self) -> bool:
        """True if no token is needed: only this machine reaches it."""
        return is_loopback(self.host)

    def refusal(self, headers: Mapping[str, str], token: str = "", page: bool = False) -> str:
        """Why a request may not have what it asks for, a sentence; empty where it may.

        token: of its address. page: True where a page asks, whose Origin must be this server's (RFC 6455, 10.2).
        """
        host = _split(f"//{headers.get('host', '')}").hostname or ""
        if self.open and not is_loopback(host):  # a name that leads here is somebody else's page (DNS rebinding)
            return "only localhost is served: open the address that gar-ssl live printed"
        origin = headers.get("origin")
        if (page or origin is not None) and (origin is None or _split(origin).netloc != headers.get("host", "")):
            return "another page than this server's asks: open the address that gar-ssl live printed"
        if self.open or self.knows(token) or self.knows(_cookie(headers.get("cookie", ""))):
            return ""
        return "the token is missing or wrong: open the whole address that gar-ssl live printed"

    def knows(self, token: str) -> bool:
        """True if it is the token; takes as long whatever it is."""
        return hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    @property
    def cookie(self) -> str:
        """The header's value with which the token need not be told again."""
        more = "; Secure" if self.secure else ""
        return f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict{more}"


def is_loopback(host: str) -> bool:
    """True if that address, or name, is this machine's own only."""
    try:
        return host in LOOPBACK or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # no address at all
        return urlsplit("")


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value

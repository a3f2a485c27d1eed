"""Who may call what: scopes, and the dependency that asks for one.

Belongs here: the decision. Does not belong here: keys in memory (`keyring.py`) and at rest
(`serving/api_keys.py`), counting requests (`rate_limit.py`).

Without any key in the database the API is open to programs of this machine: on loopback, for a
Host header that names loopback. A page of the internet that has its own name resolved to 127.0.0.1
(DNS rebinding) sends that name, and is refused. So is what a reverse proxy passes on.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cache

from starlette.requests import Request

from userprofile_assets.service.context import ServiceContext, context_of
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.request_notes import notes_of
from userprofile_assets.serving.api_keys import Scope

__all__ = ["Caller", "Needs", "Scope", "needs"]

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_HOST = re.compile(r"(?:\[(?P<ip6>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::[0-9]{1,5})?")
_CHALLENGE = 'Bearer realm="userprofile"'


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes:
        key_id: The id of the key; None: there are no keys, and it is a program of this machine.
        scopes: What it may see.
    """

    key_id: str | None
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Tell whether it has a scope."""
        return scope in self.scopes


_EVERYTHING = Caller(None, frozenset(Scope))


class Needs:
    """A dependency of routes: lets callers with a scope pass, and returns who it is.

    Args:
        scope: The scope.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        """Return the caller.

        Raises:
            ProblemError: 401: no key, or none that is known. 403: it lacks the scope. 421: a Host
                header of another machine. 429: too many requests.
        """
        context = context_of(request)
        caller = await _caller(request, context)
        if not caller.may(self.scope):
            held = ", ".join(sorted(caller.scopes))
            raise ProblemError(
                403,
                "missing-scope",
                "The key lacks a scope",
                f"This needs a key with the scope {self.scope}; this one has {held}.",
                scope=str(self.scope),
            )
        return caller


@cache
def needs(scope: Scope) -> Needs:
    """Return the dependency that asks for a scope: `Annotated[Caller, Depends(needs(...))]`."""
    return Needs(scope)


async def _caller(request: Request, context: ServiceContext) -> Caller:
    known = await context.keys.known()
    if known.open and context.loopback:
        _check_local(request)
        return _EVERYTHING
    sent = request.headers.getlist("authorization")
    scheme, _, text = (sent[0] if len(sent) == 1 else "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise _unauthorized("Send `Authorization: Bearer KEY`, once.", _CHALLENGE)
    key = known.find(text.strip())
    if key is None:
        raise _unauthorized(
            "The key is not known, or was revoked.", f'{_CHALLENGE}, error="invalid_token"'
        )
    notes = notes_of(request.scope)
    notes.key_id = key.id
    context.keys.used(key.id)
    count = context.rate.count(key.id, key.rate)
    notes.headers += count.headers
    if not count.allowed:
        raise ProblemError(
            429,
            "too-many-requests",
            "Too many requests",
            f"This key may make {count.limit} requests a minute; try again in "
            f"{count.reset_seconds} s.",
            headers={"Retry-After": str(count.reset_seconds)},
        )
    return Caller(key.id, key.scopes)


def _is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine, whatever resolves names."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found["ip6"] or found["name"]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower().rstrip(".") == "localhost"


def _check_local(request: Request) -> None:
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not _is_loopback(hosts[0]):
        raise ProblemError(
            421,
            "not-this-host",
            "Not a name of this machine",
            "Without keys the API answers only to localhost, 127.0.0.1 and [::1] in the Host "
            "header. `userprofile keys create` makes a key.",
        )
    if any(name in request.headers for name in _FORWARDED):
        raise ProblemError(
            403,
            "proxied-without-keys",
            "No proxy without keys",
            "The request came through a proxy, and without keys the API answers to this machine "
            "only. `userprofile keys create` makes a key.",
        )


def _unauthorized(detail: str, challenge: str) -> ProblemError:
    return ProblemError(
        401,
        "key-needed",
        "A valid key is needed",
        f"{detail} `userprofile keys create` makes one.",
        headers={"WWW-Authenticate": challenge},
    )

"""Puts what every request passes before an application, and notes what the application is for
whoever starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from fastapi import FastAPI

from fristwerk_platform.auth import Tokens
from fristwerk_platform.http.middleware import Admission, AuthenticationMiddleware, RequestMeter
from fristwerk_platform.http.request_log import request_observers
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency.access_log import AccessLog


class ServiceIdentity(msgspec.Struct, frozen=True):
    """A service's name, which is its distribution's without the prefix, and the newest revision of
    each of its databases.
    """

    name: str
    schema: Mapping[str, str]


def guard(
    app: FastAPI,
    settings: Settings,
    identity: ServiceIdentity,
    *,
    tokens: Tokens,
    now: Callable[[], datetime],
    meter: RequestMeter,
    accesses: AccessLog | None = None,
    admission: Admission | None = None,
) -> None:
    """Check tokens and observe requests before the application; ``accesses`` records those of auditors, and
    ``admission`` is asked of who sees only its own things.

    Raises SettingsError where traces cannot be sent.
    """
    app.state.identity = identity
    observers = request_observers(settings, identity.name)
    app.add_middleware(
        AuthenticationMiddleware,
        tokens=tokens,
        now=now,
        meter=meter,
        observers=observers,
        accesses=accesses,
        admission=admission,
    )

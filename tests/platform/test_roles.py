"""The platform checks tokens by the roles that it is given: those of a library serve as well as ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec
import pytest

from fristwerk_platform.auth import NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.http import own_only
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.token_keys import Keys


class LibraryRoles(msgspec.Struct, frozen=True):
    names: tuple[str, ...] = ("librarian", "reader", "service")
    bound: Mapping[str, str] = MappingProxyType({"reader": "card"})
    printed_by: str = "library token"


READER = Principal(sub="anna", role="reader", provider="city", belongs_to="card-7")


@pytest.fixture
def library(keys: Keys) -> Tokens:
    return Tokens(keys, LibraryRoles(), issuer="library", audience="library")


def test_a_role_that_is_bound_belongs_to_whom_its_claim_names(library: Tokens, now: datetime) -> None:
    for principal in (READER, Principal(sub="b", role="librarian", provider="city")):
        assert library.check(library.issue(principal, now=now), now=now) == principal


def test_a_bound_role_without_its_claim_is_refused(library: Tokens, now: datetime) -> None:
    nobodys = library.issue(Principal(sub="anna", role="reader", provider="city"), now=now)

    with pytest.raises(NotAuthenticatedError, match=r"^A reader's token names the card\.$"):
        library.check(nobodys, now=now)


def test_a_role_of_another_business_is_none(library: Tokens, now: datetime) -> None:
    token = library.issue(Principal(sub="a", role="agent", provider="city"), now=now)

    with pytest.raises(NotAuthenticatedError, match="names no role"):
        library.check(token, now=now)


def test_a_list_shows_a_bound_role_its_own_things_and_refuses_another_s() -> None:
    assert own_only(READER, None, "card") == own_only(READER, "card-7", "card") == "card-7"
    with pytest.raises(Problem, match=r"^A reader's token lists .*; `card` names another\.$") as refused:
        own_only(READER, "card-8", "card")

    assert refused.value.status == 403
    assert own_only(Principal(sub="b", role="librarian", provider="city"), "card-8", "card") == "card-8"

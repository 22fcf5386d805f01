"""``q``: tickets by the beginning of their reference or of a word of their company's name, or by whole words that are sealed.

What is sealed is compared by keyed digests (decision 0045).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, or_, select, union

from ticket_service.domain.words import reference_word, words_of
from ticket_service.personal_data import WordKind
from ticket_service.projections.tables import search_prefixes, search_words, tickets

MOST_TERMS: Final = 8
LAST: Final = "\U0010ffff"
"""Comes behind whatever a word goes on with."""
Digest = Callable[[str, WordKind, str], str]
"""A keyed digest by the provider, of what the word is one, and the word."""
Ids = Select[tuple[str]]


class Term(msgspec.Struct, frozen=True):
    """One part of what is searched for, as a reference may begin and as words."""

    reference: str
    words: tuple[str, ...]


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for: each term has to be found. ``own``: a customer finds no words that were sealed for others.
    ``behind``: only tickets behind this one.
    """

    terms: tuple[Term, ...]
    own: str | None = None
    behind: str = ""


def search_for(text: str, own: str | None = None) -> Search | None:
    """What a text asks for; None where it has no word, or too many."""
    found = tuple(dict.fromkeys(Term(reference_word(part), (*words_of(part),)) for part in text.split()))
    terms = tuple(each for each in found if each.words)
    return Search(terms=terms, own=own) if 0 < len(terms) <= MOST_TERMS else None


def search_conditions(provider: str, wanted: Search, digest: Digest) -> list[ColumnElement[bool]]:
    """What holds for a provider's tickets that are found."""
    return [tickets.c.ticket.in_(_found(provider, each, wanted, digest)) for each in wanted.terms]


def _found(provider: str, term: Term, wanted: Search, digest: Digest) -> CompoundSelect[tuple[str]]:
    """The ids of the tickets in which a term is found. What lies behind another one is asked for here: were it asked of the
    tickets themselves, a database would walk through all behind that one.
    """
    of_customers = select(tickets.c.ticket).where(
        tickets.c.provider == provider,
        *(tickets.c.customer.in_(_named(provider, word, digest)) for word in term.words),
        *([tickets.c.ticket > wanted.behind] if wanted.behind else []),
    )
    return union(
        _beginning(provider, term.reference, wanted.behind),
        of_customers,
        _with_words(provider, [digest(provider, "subject", word) for word in term.words], wanted.own, wanted.behind),
    )


def _named(provider: str, word: str, digest: Digest) -> CompoundSelect[tuple[str]]:
    """Companies by the beginning of a word of their name, persons by a whole one."""
    return union(_beginning(provider, word), _with_words(provider, [digest(provider, "name", word)], None))


def _beginning(provider: str, prefix: str, behind: str = "") -> Ids:
    table = search_prefixes
    return select(table.c.item).where(
        table.c.provider == provider,
        table.c.word >= prefix,
        table.c.word < f"{prefix}{LAST}",
        *([table.c.item > behind] if behind else []),
    )


def _with_words(provider: str, digests: Iterable[str], own: str | None, behind: str = "") -> Ids:
    """The items that have all of the words."""

    def narrowed(items: Ids | None, digest: str) -> Ids:
        found = _with_word(provider, digest, own)
        if behind:
            found = found.where(search_words.c.item > behind)
        return found if items is None else found.where(search_words.c.item.in_(items))

    found: Ids | None = reduce(narrowed, digests, None)
    assert found is not None, "a term has words"
    return found


def _with_word(provider: str, digest: str, own: str | None) -> Ids:
    table = search_words
    sealed_for = table.c.sealed_for
    mine = [] if own is None else [or_(sealed_for == own, and_(sealed_for > f"{own}~", sealed_for < f"{own}~{LAST}"))]
    return select(table.c.item).where(table.c.provider == provider, table.c.word == digest, *mine)

"""What a checkout makes of stories: run by the checkout's own Python, it reads stored lines and writes charges and timers.

``python derive.py FILE``: the file's first line is a JSON list of published terms, as stored lines; every further one is a
story, a list of stored lines. For each story a line of JSON comes out. The names on the right are those of 0.2.0 and later,
the others those of the version before it, so that both can be asked.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

try:
    from billing_service.domain.facts.from_events import account
    from billing_service.domain.rating.rating import EmptyAccountError, rate
    from fristwerk_language.events import decode
    from fristwerk_language.terms import agreement_document
    from sla_service.domain.timers.derivation import derive_timers
    from sla_service.domain.timers.published_terms import PublishedTerms
    from sla_service.domain.timers.timeline_reader import read_timeline
except ImportError:  # the version before 0.2.0
    from billing_service.domain.reading import account  # type: ignore[no-redef,import-not-found]
    from shared.events import recorded as decode  # type: ignore[no-redef,import-not-found]
    from shared.terms import agreement_document  # type: ignore[no-redef,import-not-found]
    from sla_service.domain.history import history as read_timeline  # type: ignore[no-redef,import-not-found]
    from sla_service.domain.terms import PublishedTerms  # type: ignore[no-redef,import-not-found]

    from billing_service.domain.rating import EmptyAccountError, rate  # type: ignore[no-redef,attr-defined]
    from sla_service.domain.timers import timers as derive_timers  # type: ignore[no-redef,attr-defined]

UNTIL = date(2026, 12, 31)


def plain(value: Any) -> Any:
    """JSON data; amounts as text."""
    return json.loads(msgspec.json.encode(value))


def charges(story: list[Any], documents: dict[tuple[str, int], Any]) -> dict[str, Any]:
    """The statement of every account of a story, or the name of the error that it ends with."""
    accounts = {
        getattr(each.event, "contract", None) or getattr(each.event, "customer", None)
        for each in story
        if type(each.event).__name__ in {"ContractSigned", "CustomerRegistered"}
    }
    found: dict[str, Any] = {}
    for name in sorted(each for each in accounts if each):
        try:
            found[name] = plain(rate(account(name, story), lambda *key: documents[key], UNTIL))
        except EmptyAccountError:
            continue
        except Exception as error:  # noqa: BLE001 - what it ends with is compared as well
            found[name] = {"error": type(error).__name__}
    return found


def timers(story: list[Any], terms: PublishedTerms) -> dict[str, Any]:
    """The timers of every ticket of a story, by the ticket's stream."""
    streams = sorted({each.envelope.stream for each in story if each.envelope.stream.startswith("ticket-")})
    return {
        stream: plain(derive_timers(read_timeline([e for e in story if e.envelope.stream == stream]), terms))
        for stream in streams
    }


def main(file: Path) -> None:
    """Write what every story of the file comes to."""
    first, *stories = file.read_text("utf-8").splitlines()
    published: list[Any] = [decode(line.encode()).event for line in json.loads(first)]
    terms = PublishedTerms(published)
    documents = {
        (each.name, each.version): agreement_document(each.document)
        for each in published
        if type(each).__name__ == "AgreementPublished"
    }
    for line in stories:
        story = [decode(each.encode()) for each in json.loads(line)]
        print(json.dumps({"charges": charges(story, documents), "timers": timers(story, terms)}))  # noqa: T201 - the result


if __name__ == "__main__":
    main(Path(sys.argv[1]))

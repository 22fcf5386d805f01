"""The sentences of a report, in German and English; both languages have the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from fristwerk_verify.findings import CheckStep, Finding

ReportLanguage = Literal["de", "en"]

TITLES: Final[Mapping[ReportLanguage, Mapping[str, str]]] = {
    "en": {
        "manifest": "Files of the bundle",
        "signatures": "Signed heads",
        "lines": "Recorded events",
        "tree": "Hash trees",
        "seen": "Heads kept elsewhere",
        "stamps": "Time stamps of heads",
        "newer": "Events of a newer version",
        "terms": "Published terms",
        "timers": "Deadlines",
        "notices": "Notices of deadlines",
        "documents": "Invoices and credit notes, as issued",
        "shown": "Invoices and credit notes, as shown",
        "charges": "Charges",
    },
    "de": {
        "manifest": "Dateien des Pakets",
        "signatures": "Signierte Köpfe",
        "lines": "Aufgezeichnete Ereignisse",
        "tree": "Hashbäume",
        "seen": "Anderswo aufbewahrte Köpfe",
        "stamps": "Zeitstempel von Köpfen",
        "newer": "Ereignisse einer neueren Version",
        "terms": "Veröffentlichte Bedingungen",
        "timers": "Fristen",
        "notices": "Meldungen zu Fristen",
        "documents": "Rechnungen und Gutschriften, wie ausgestellt",
        "shown": "Rechnungen und Gutschriften, wie gezeigt",
        "charges": "Kosten",
    },
}
STEPS: Final[Mapping[ReportLanguage, Mapping[str, str]]] = {
    "en": {
        "manifest": "{files} files with {bytes} bytes have the lengths and digests that the manifest names.",
        "signatures": "{heads} heads are signed with the keys below and grow.",
        "lines": "{events} events are the provider's, and every stream counts from 1 without a gap.",
        "tree": "Every head is of the tree over these events, and each of the {hashes} events is in it unchanged.",
        "seen": "The log has grown out of each of the {seen} heads that were kept.",
        "stamps": "{stamps} heads carry a time stamp of an authority that you trust, the newest of {newest}.",
        "newer": "This version does not know these events of the log {log}, so the verdict is not complete: {types}.",
        "terms": "{agreements} agreements and {calendars} calendars are what their digests say.",
        "timers": "{timers} timers of {tickets} tickets were computed again, and are what the service shows.",
        "notices": "{notices} notices announced what was computed, and nothing else.",
        "documents": "{documents} documents with {lines} lines are what had been recorded when each was issued comes to.",
        "shown": "{documents} documents are shown as they were issued.",
        "charges": "{lines} charges of {customers} customers were computed again, and are what the service shows.",
    },
    "de": {
        "manifest": "{files} Dateien mit {bytes} Bytes haben die Längen und Prüfsummen aus dem Verzeichnis.",
        "signatures": "{heads} Köpfe sind mit den unten genannten Schlüsseln signiert und wachsen.",
        "lines": "{events} Ereignisse sind die des Anbieters, und jeder Strom zählt lückenlos ab 1.",
        "tree": "Jeder Kopf gehört zum Baum dieser Ereignisse; jedes der {hashes} Ereignisse steht unverändert darin.",
        "seen": "Das Protokoll ist aus jedem der {seen} aufbewahrten Köpfe hervorgegangen.",
        "stamps": "{stamps} Köpfe tragen den Zeitstempel einer Stelle, der Sie vertrauen, der jüngste vom {newest}.",
        "newer": "Diese Version kennt folgende Ereignisse im Protokoll {log} nicht, das Urteil ist unvollständig: {types}.",
        "terms": "{agreements} Vereinbarungen und {calendars} Kalender entsprechen ihren Prüfsummen.",
        "timers": "{timers} Fristen von {tickets} Tickets wurden neu berechnet und entsprechen dem, was der Dienst zeigt.",
        "notices": "{notices} Meldungen haben gemeldet, was berechnet wurde, und nichts anderes.",
        "documents": "{documents} Belege mit {lines} Zeilen sind, was sich aus dem bei der Ausstellung Bekannten ergibt.",
        "shown": "{documents} Belege werden gezeigt, wie sie ausgestellt wurden.",
        "charges": "{lines} Kosten von {customers} Kunden wurden neu berechnet und entsprechen dem, was der Dienst zeigt.",
    },
}
_BETWEEN: Final[Mapping[ReportLanguage, str]] = {
    "en": " It was taken into the tree between the head of {before} events and that of {after}, signed {signed_at}.",
    "de": " In den Baum kam es zwischen dem Kopf mit {before} Ereignissen und dem mit {after}, signiert {signed_at}.",
}
_DIFFERS: Final[Mapping[ReportLanguage, str]] = {
    "en": "{field} is {shown}, computed again it is {computed}.",
    "de": "{field} ist {shown}, neu berechnet {computed}.",
}
FINDINGS: Final[Mapping[ReportLanguage, Mapping[str, str]]] = {
    "en": {
        "no-such-file": "There is no file {path}.",
        "not-a-zip": "{path} is no bundle: {error}.",
        "file-damaged": "The file {name} of the bundle is damaged: {error}.",
        "file-missing": "The bundle lacks the file {name}.",
        "file-not-named": "The manifest does not name the file {name}.",
        "file-twice": "The bundle has a file twice.",
        "file-size": "The file {name} has {size} bytes, the manifest says {named}.",
        "file-digest": "The content of {name} is not what the manifest says.",
        "file-outside": "The bundle names a file outside of itself: {name}.",
        "file-bomb": "The file {name} would grow from {packed} to {size} bytes; nothing recorded is packed so densely.",
        "file-too-long": "The file {name} has {size} bytes, more than any such file.",
        "too-many-files": "The bundle has {number} files.",
        "line-too-long": "A line of {name} is longer than any event.",
        "format-unknown": "The bundle's format is {format}; this version reads {known}.",
        "manifest-unreadable": "The manifest cannot be read: {error}.",
        "origin-unreadable": "{origin} is not what a log of Fristwerk is called.",
        "origins-differ": "The heads are of another installation or provider: {origins}.",
        "keys-unreadable": "The keys of {log} cannot be read: {error}.",
        "keys-foreign": "A key of {log} is of {name}, not of {origin}.",
        "head-wrong": "Head {number} of {log} is not signed as it should be: {error}",
        "head-order": "Head {number} of {log} with {size} events does not follow the one before it.",
        "head-missing": "The head of {size} events of {log} is missing.",
        "line-unreadable": "Line {number} of {log} cannot be read: {error}.",
        "line-foreign": "Line {number} of {log} is of the provider {provider}.",
        "line-version": "Line {number} of {log} has version {version} of {stream}, expected was {expected}.",
        "lines-without-head": "{log} has {events} events and no head.",
        "lines-number": "{log} has {events} events, its newest head covers {size}.",
        "line-changed": "Line {number} of {log} is not the one that was hashed." + _BETWEEN["en"],
        "tile-changed": "The stored hash of line {number} of {log} is wrong, or the head is of other events."
        + _BETWEEN["en"],
        "head-other-tree": "The head of {size} events of {log}, signed {signed_at}, is of another tree than these events;"
        " the head of {before} events before it is of this one.",
        "tile-wrong": "The tile {tile} of {log} is not what the tiles below it give.",
        "tile-of-no-tree": "The tile {tile} belongs to no tree of {log}.",
        "head-unreadable": "{path} is no head: {error}",
        "head-of-another": "The kept head {source} is of {origin}, which is not in this bundle.",
        "head-beyond": "The kept head {source} covers {size} events of {log}, the bundle has {events}.",
        "head-forked": "History was changed: the kept head {source} of {size} events is not of the log {log} in this bundle.",
        "stamp-wrong": "The time stamp of the head of {size} events of {log} does not hold: {error}.",
        "stamp-early": "The head of {size} events of {log} says that it was signed {signed}, but was stamped {at}.",
        "stamps-unchecked": "{number} heads carry time stamps that were not checked. Name the certificates of the"
        " authority that you trust: --tsa PEM.",
        "stamps-not-installed": "Checking time stamps needs the extra: pip install fristwerk-verifier[stamps].",
        "authority-unreadable": "{path} holds no certificates in PEM: {error}.",
        "terms-digest": "The {kind} {label} is not what its digest says.",
        "terms-file": "The file {name} is not the {kind} {label} that was published.",
        "terms-never-published": "The file {name} was never published.",
        "terms-unreadable": "The {kind} {label} cannot be read: {error}.",
        "claim-of-nothing": "The {what} {name} is shown, but was never recorded.",
        "claim-missing": "The {what} {name} was recorded, but is not shown.",
        "ticket-not-derivable": "The timers of ticket {ticket} cannot be derived: {error}.",
        "timer-differs": "Ticket {ticket} (last event: line {last}): " + _DIFFERS["en"],
        "notice-of-nothing": "Notice {number} of type {type} is of no timer.",
        "notice-version": "Notice {number} has version {version} of the timer {timer}, which does not follow.",
        "notice-missing": "{what} was never announced for the timer {timer}.",
        "notice-of-no-timer": "Notices tell of the timer {timer}, which the history does not have.",
        "notice-differs": "The last notice of timer {timer}: " + _DIFFERS["en"],
        "document-number": "Document {number} has version {version} in its series.",
        "document-differs": "Document {number}: " + _DIFFERS["en"] + _BETWEEN["en"],
        "document-line-differs": "Document {number}, line {line}: " + _DIFFERS["en"] + _BETWEEN["en"],
        "shown-differs": "Document {number} as shown: " + _DIFFERS["en"],
        "charges-refused": "The charges of customer {customer} cannot be computed: {error}.",
        "charge-differs": "Customer {customer}: " + _DIFFERS["en"],
        "keys-of-the-operator": "The keys are those that the operator publishes with the bundle. Compare them with the ones"
        " that you kept, or give them: --key KEY.",
        "as-found": "The first {size} events of {log} were there before their tree: they are covered as they were found then.",
        "not-reached": "{error}",
    },
    "de": {
        "no-such-file": "Es gibt keine Datei {path}.",
        "not-a-zip": "{path} ist kein Paket: {error}.",
        "file-damaged": "Die Datei {name} des Pakets ist beschädigt: {error}.",
        "file-missing": "Dem Paket fehlt die Datei {name}.",
        "file-not-named": "Das Verzeichnis nennt die Datei {name} nicht.",
        "file-twice": "Das Paket hat eine Datei zweimal.",
        "file-size": "Die Datei {name} hat {size} Bytes, das Verzeichnis nennt {named}.",
        "file-digest": "Der Inhalt von {name} ist nicht der, den das Verzeichnis nennt.",
        "file-outside": "Das Paket nennt eine Datei außerhalb seiner selbst: {name}.",
        "file-bomb": "Die Datei {name} würde von {packed} auf {size} Bytes wachsen; so dicht ist nichts Aufgezeichnetes gepackt.",
        "file-too-long": "Die Datei {name} hat {size} Bytes, mehr als jede solche Datei.",
        "too-many-files": "Das Paket hat {number} Dateien.",
        "line-too-long": "Eine Zeile von {name} ist länger als jedes Ereignis.",
        "format-unknown": "Das Format des Pakets ist {format}; diese Version liest {known}.",
        "manifest-unreadable": "Das Verzeichnis ist nicht lesbar: {error}.",
        "origin-unreadable": "{origin} ist kein Name eines Protokolls von Fristwerk.",
        "origins-differ": "Die Köpfe gehören zu einer anderen Installation oder einem anderen Anbieter: {origins}.",
        "keys-unreadable": "Die Schlüssel von {log} sind nicht lesbar: {error}.",
        "keys-foreign": "Ein Schlüssel von {log} gehört zu {name}, nicht zu {origin}.",
        "head-wrong": "Kopf {number} von {log} ist nicht signiert, wie er sein muss: {error}",
        "head-order": "Kopf {number} von {log} mit {size} Ereignissen folgt nicht auf den vorigen.",
        "head-missing": "Der Kopf mit {size} Ereignissen von {log} fehlt.",
        "line-unreadable": "Zeile {number} von {log} ist nicht lesbar: {error}.",
        "line-foreign": "Zeile {number} von {log} gehört dem Anbieter {provider}.",
        "line-version": "Zeile {number} von {log} hat Version {version} von {stream}, erwartet war {expected}.",
        "lines-without-head": "{log} hat {events} Ereignisse und keinen Kopf.",
        "lines-number": "{log} hat {events} Ereignisse, der jüngste Kopf deckt {size}.",
        "line-changed": "Zeile {number} von {log} ist nicht die, aus der der Hash gebildet wurde." + _BETWEEN["de"],
        "tile-changed": "Der gespeicherte Hash von Zeile {number} von {log} ist falsch, oder der Kopf gehört zu anderen"
        " Ereignissen." + _BETWEEN["de"],
        "head-other-tree": "Der Kopf mit {size} Ereignissen von {log}, signiert {signed_at}, gehört zu einem anderen Baum als"
        " diese Ereignisse; der Kopf mit {before} Ereignissen davor gehört zu diesem.",
        "tile-wrong": "Die Kachel {tile} von {log} ist nicht, was die Kacheln darunter ergeben.",
        "tile-of-no-tree": "Die Kachel {tile} gehört zu keinem Baum von {log}.",
        "head-unreadable": "{path} ist kein Kopf: {error}",
        "head-of-another": "Der aufbewahrte Kopf {source} gehört zu {origin}; das steht nicht in diesem Paket.",
        "head-beyond": "Der aufbewahrte Kopf {source} deckt {size} Ereignisse von {log}, das Paket hat {events}.",
        "head-forked": "Die Geschichte wurde geändert: Der aufbewahrte Kopf {source} mit {size} Ereignissen gehört nicht zum"
        " Protokoll {log} in diesem Paket.",
        "stamp-wrong": "Der Zeitstempel des Kopfs mit {size} Ereignissen von {log} stimmt nicht: {error}.",
        "stamp-early": "Der Kopf mit {size} Ereignissen von {log} nennt als Zeit der Signatur {signed}, gestempelt ist er {at}.",
        "stamps-unchecked": "{number} Köpfe tragen Zeitstempel, die nicht geprüft wurden. Nennen Sie die Zertifikate der"
        " Stelle, der Sie vertrauen: --tsa PEM.",
        "stamps-not-installed": "Zum Prüfen von Zeitstempeln fehlt das Extra: pip install fristwerk-verifier[stamps].",
        "authority-unreadable": "{path} enthält keine Zertifikate in PEM: {error}.",
        "terms-digest": "{label} ({kind}) entspricht nicht der eigenen Prüfsumme.",
        "terms-file": "Die Datei {name} ist nicht {label} ({kind}), wie veröffentlicht.",
        "terms-never-published": "Die Datei {name} wurde nie veröffentlicht.",
        "terms-unreadable": "{label} ({kind}) ist nicht lesbar: {error}.",
        "claim-of-nothing": "{name} ({what}) wird gezeigt, wurde aber nie aufgezeichnet.",
        "claim-missing": "{name} ({what}) wurde aufgezeichnet, wird aber nicht gezeigt.",
        "ticket-not-derivable": "Die Fristen von Ticket {ticket} lassen sich nicht ableiten: {error}.",
        "timer-differs": "Ticket {ticket} (letztes Ereignis: Zeile {last}): " + _DIFFERS["de"],
        "notice-of-nothing": "Meldung {number} der Art {type} gehört zu keiner Frist.",
        "notice-version": "Meldung {number} hat Version {version} der Frist {timer}; das folgt nicht aufeinander.",
        "notice-missing": "{what} wurde für die Frist {timer} nie gemeldet.",
        "notice-of-no-timer": "Meldungen nennen die Frist {timer}, die es nach der Geschichte nicht gibt.",
        "notice-differs": "Letzte Meldung der Frist {timer}: " + _DIFFERS["de"],
        "document-number": "Beleg {number} hat in seiner Reihe die Version {version}.",
        "document-differs": "Beleg {number}: " + _DIFFERS["de"] + _BETWEEN["de"],
        "document-line-differs": "Beleg {number}, Zeile {line}: " + _DIFFERS["de"] + _BETWEEN["de"],
        "shown-differs": "Beleg {number}, wie gezeigt: " + _DIFFERS["de"],
        "charges-refused": "Die Kosten von Kunde {customer} lassen sich nicht berechnen: {error}.",
        "charge-differs": "Kunde {customer}: " + _DIFFERS["de"],
        "keys-of-the-operator": "Die Schlüssel sind die, die der Betreiber mit dem Paket veröffentlicht. Vergleichen Sie sie mit"
        " den aufbewahrten, oder nennen Sie diese: --key SCHLÜSSEL.",
        "as-found": "Die ersten {size} Ereignisse von {log} gab es vor ihrem Baum: gedeckt, wie sie da vorgefunden wurden.",
        "not-reached": "{error}",
    },
}
VERDICTS: Final[Mapping[ReportLanguage, Mapping[str, str]]] = {
    "en": {
        "holds": "Everything that was checked holds.",
        "fails": "This bundle does not hold.",
        "open": "What could be checked holds, but not everything could be checked.",
    },
    "de": {
        "holds": "Alles Geprüfte stimmt.",
        "fails": "Dieses Paket stimmt nicht.",
        "open": "Was sich prüfen ließ, stimmt; nicht alles ließ sich prüfen.",
    },
}
_MORE: Final[Mapping[ReportLanguage, str]] = {"en": "And {more} more.", "de": "Und {more} weitere."}


def sentence(finding: Finding, language: ReportLanguage) -> str:
    """A finding in words."""
    return FINDINGS[language][finding.key].format(**{name: _figure(each) for name, each in finding.values.items()})


def sentences(step: CheckStep, language: ReportLanguage) -> list[str]:
    """What a step found: one sentence with figures where it holds, else what does not hold."""
    if step.findings:
        more = [_MORE[language].format(more=step.more)] if step.more else []
        return [*(sentence(each, language) for each in step.findings), *more]
    figures = _Figures({name: _figure(each) for name, each in step.figures.items()})
    return [STEPS[language][step.key].format_map(figures)]


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and value > 9_999 else str(value)  # noqa: PLR2004 - from five digits on


class _Figures(dict[str, str]):
    """A figure that nothing was counted for is 0."""

    def __missing__(self, key: str) -> str:
        return "0"

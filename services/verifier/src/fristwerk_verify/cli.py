"""``fristwerk-verify``: check a bundle or a running installation, or be a witness of one.

Exit codes: 0 everything holds, 1 something does not, 2 it cannot be checked, by this version or at all.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fristwerk_language.terms.hidden_characters import escaped
from fristwerk_proof.collecting import CollectError
from fristwerk_proof.notes import NoteError, VerifierKey
from fristwerk_verify import report as reports
from fristwerk_verify.findings import BadInputError, Finding, Report
from fristwerk_verify.messages import ReportLanguage, sentence
from fristwerk_verify.online import addresses_from, collect_online
from fristwerk_verify.seen import seen_in, seen_short
from fristwerk_verify.stamps import trusted_authorities
from fristwerk_verify.verification import verify
from fristwerk_verify.witness import Witness, WitnessError

VARIABLE: Final = "AUDIT_TOKEN"
HOLDS, FAILS, OPEN = 0, 1, 2
_CODES: Final = {"holds": HOLDS, "fails": FAILS, "open": OPEN}


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(given: Sequence[str]) -> int:
    """Run what the arguments name; returns the exit code."""
    if given[:1] == ["witness"]:
        return _witness(_witness_parser().parse_args(given[1:]))
    arguments = _parser().parse_args(given)
    language: ReportLanguage = arguments.lang
    try:
        return _verify(arguments, language)
    except BadInputError as error:
        _complain(sentence(Finding(key=error.key, values=error.values), language))
    except CollectError as error:
        _complain(str(error))
    return OPEN


def _verify(arguments: argparse.Namespace, language: ReportLanguage) -> int:
    keys = [_key(each) for each in arguments.key]
    seen = [head for path in arguments.heads for head in seen_in(path)] + [seen_short(each) for each in arguments.head]
    with tempfile.TemporaryDirectory(prefix="fristwerk-verify-") as folder:
        path = Path(arguments.target)
        if "://" in arguments.target:
            path = Path(folder) / "bundle.zip"
            addresses = addresses_from(arguments.target, arguments.sla, arguments.billing)
            collect_online(addresses, os.environ.get(VARIABLE, ""), path)
        authorities = trusted_authorities(arguments.tsa)
        report = verify(path, keys=keys, seen=seen, authorities=authorities, progress=_progress)
    _write(report, arguments, language)
    return _CODES[report.outcome]


def _write(report: Report, arguments: argparse.Namespace, language: ReportLanguage) -> None:
    if arguments.report is not None:
        try:
            arguments.report.write_text(reports.as_html(report, language, datetime.now(UTC)), encoding="utf-8")
        except OSError as error:
            raise BadInputError("not-reached", error=f"{arguments.report}: {error.strerror}.") from error
    found = reports.as_json(report, language).decode() if arguments.json else reports.as_text(report, language)
    sys.stdout.write(found + "\n")


def _witness(arguments: argparse.Namespace) -> int:
    try:
        addresses = addresses_from(
            arguments.url, arguments.billing, arguments.billing
        )  # it asks the sla-service nothing
        witness = Witness(arguments.store, arguments.name, os.environ.get(VARIABLE, ""))
        events = not arguments.heads_only
        said = [
            witness.visit("tickets", addresses["ticket"], events=events),
            witness.visit("billing", addresses["billing"], events=events),
        ]
    except BadInputError as error:
        _complain(sentence(Finding(key=error.key, values=error.values), "en"))
        return OPEN
    except CollectError as error:
        _complain(str(error))
        return OPEN
    except WitnessError as error:
        _complain(str(error))
        return FAILS
    sys.stdout.write("".join(f"{escaped(each)}\n" for each in said))
    return HOLDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fristwerk-verify",
        description="Checks what a Fristwerk installation recorded and shows: a bundle, or a running installation."
        " `fristwerk-verify witness --help` says how to be a witness.",
        epilog="Exit codes: 0 everything holds, 1 something does not, 2 it cannot be checked.",
    )
    parser.add_argument(
        "target", metavar="BUNDLE|URL", help=f"a bundle, or an address, with an auditor's token in {VARIABLE}"
    )
    parser.add_argument(
        "--key", action="append", default=[], help="a key to trust, such as an invoice prints; may be repeated"
    )
    parser.add_argument(
        "--heads",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="a head that was kept, or a witness's folder",
    )
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="LOG:SIZE:DIGITS",
        help="a head's short form, as invoices print it",
    )
    parser.add_argument(
        "--tsa",
        action="append",
        default=[],
        type=Path,
        metavar="PEM",
        help="certificates of an authority whose time stamps count; needs the extra stamps",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as a page of HTML")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--lang", choices=("de", "en"), default="en", help="the report's language")
    parser.add_argument("--sla", metavar="URL", help="the sla-service (default: the port after the address's)")
    parser.add_argument("--billing", metavar="URL", help="the billing-service (default: the port after that)")
    return parser


def _witness_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fristwerk-verify witness",
        description="Keeps the newest heads of an installation, checks that the logs only grew since the last visit,"
        " and signs what it saw. Run it now and then on a machine that the operator does not control.",
    )
    parser.add_argument("url", metavar="URL", help=f"the ticket-service, with an auditor's token in {VARIABLE}")
    parser.add_argument("--billing", metavar="URL", help="the billing-service (default: two ports after the address's)")
    parser.add_argument("--store", type=Path, default=Path("witness"), metavar="FOLDER", help="where heads are kept")
    parser.add_argument("--heads-only", action="store_true", help="compare heads, and do not hash every event again")
    parser.add_argument("--name", default="witness", help="what this witness signs as")
    return parser


def _key(text: str) -> VerifierKey:
    try:
        return VerifierKey.parsed(text)
    except NoteError as error:
        raise BadInputError("not-reached", error=str(error)) from error


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"… {what}\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{escaped(text)}\n")

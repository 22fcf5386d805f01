"""Time stamps of heads (RFC 3161), by authorities that whoever checks trusts: a head was there at the latest then."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509

from fristwerk_verify.chain import Chain, KeptHead
from fristwerk_verify.findings import BadInputError, CheckStep, Finding, Report

if TYPE_CHECKING:
    from rfc3161_client import Verifier

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""So much earlier than the operator's clock says may an authority's stamp be."""


def trusted_authorities(paths: Sequence[Path]) -> list[x509.Certificate]:
    """The certificates in files of PEM. Raises BadInputError."""
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            found += x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise BadInputError("authority-unreadable", path=str(path), error=str(error)) from error
    return found


def check_stamps(chains: Iterable[Chain], authorities: Sequence[x509.Certificate], report: Report) -> None:
    """Check every stamp where authorities are given; say that there are some where none is. Raises BadInputError."""
    stamped = [(chain, head) for chain in chains for head in chain.heads if head.stamp is not None]
    if not authorities:
        if stamped:
            report.remarks.append(Finding(key="stamps-unchecked", values={"number": len(stamped)}))
        return
    step = report.step("stamps")
    verifier = _verifier(authorities)
    newest: datetime | None = None
    for chain, head in stamped:
        at = _check(verifier, chain, head, step)
        newest = max(filter(None, (newest, at)), default=None)
    step.figures["newest"] = "-" if newest is None else newest.isoformat(timespec="seconds")


def _verifier(authorities: Sequence[x509.Certificate]) -> Verifier:
    try:
        from rfc3161_client import VerifierBuilder  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BadInputError("stamps-not-installed") from error
    return VerifierBuilder(roots=list(dict.fromkeys(authorities))).build()


def _check(verifier: Verifier, chain: Chain, head: KeptHead, step: CheckStep) -> datetime | None:
    """When a head was stamped; None where the stamp does not hold."""
    from rfc3161_client import VerificationError, decode_timestamp_response  # noqa: PLC0415 - an extra

    assert head.stamp is not None, "chosen by that"
    try:
        response = decode_timestamp_response(base64.b64decode(head.stamp, validate=True))
        verifier.verify_message(response, head.note.encode())
        at = response.tst_info.gen_time
    except (binascii.Error, ValueError, VerificationError) as error:
        step.found("stamp-wrong", log=chain.log, size=head.size, error=str(error)[:300])
        return None
    if at < head.signed_at - CLOCKS_DIFFER:
        signed = head.signed_at.isoformat(timespec="seconds")
        step.found("stamp-early", log=chain.log, size=head.size, at=at.isoformat(timespec="seconds"), signed=signed)
        return None
    step.count("stamps")
    return at

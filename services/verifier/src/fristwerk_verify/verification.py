"""The whole check of a bundle, in its order: each step says what it found, with figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from cryptography import x509

from fristwerk_proof.bundles import LOGS
from fristwerk_proof.notes import VerifierKey
from fristwerk_verify.chain import Chain, check_heads, check_origins, check_tree, published_keys, read_lines
from fristwerk_verify.charges import ChargeCheck
from fristwerk_verify.findings import Finding, Report
from fristwerk_verify.lines import LineStore
from fristwerk_verify.reading import Bundle
from fristwerk_verify.seen import SeenHead, check_seen
from fristwerk_verify.stamps import check_stamps
from fristwerk_verify.terms import check_terms
from fristwerk_verify.timers import TimerCheck, read_notices

SayProgress = Callable[[str], None]


def verify(
    path: Path,
    *,
    keys: Sequence[VerifierKey] = (),
    seen: Sequence[SeenHead] = (),
    authorities: Sequence[x509.Certificate] = (),
    progress: SayProgress = lambda _: None,
) -> Report:
    """Check a bundle. ``keys`` are trusted whatever the bundle says; ``seen`` are heads that somebody kept;
    ``authorities`` are the certificates of those whose time stamps count.

    Raises BadInputError for what is no bundle.
    """
    with ExitStack() as opened:
        bundle = opened.enter_context(Bundle(path))
        manifest = bundle.manifest
        report = Report(
            provider=manifest.provider,
            installation=check_origins(bundle),
            known_at=manifest.known_at,
            made_at=manifest.made_at,
            bundle=bundle.digest,
        )
        progress("manifest")
        files = report.step("manifest")
        bundle.check(files)
        if files.findings:
            return report
        stores = {log: opened.enter_context(LineStore()) for log in LOGS}
        chains = _chains(bundle, report, stores, keys, progress)
        check_stamps(chains.values(), authorities, report)
        if seen:
            check_seen(chains, seen, report.step("seen"))
        if any(each.findings for each in report.steps):
            return report  # what was changed is named; computing with it would name what follows from it
        _rules(bundle, report, stores, chains, progress)
    return report


def _chains(
    bundle: Bundle, report: Report, stores: dict[str, LineStore], pinned: Sequence[VerifierKey], progress: SayProgress
) -> dict[str, Chain]:
    """Signatures, the trees over both logs, and the streams in them."""
    steps = {name: report.step(name) for name in ("signatures", "lines", "tree")}
    chains: dict[str, Chain] = {}
    for log in LOGS:
        progress(f"chain of {log}")
        chain = chains[log] = Chain(log=log)
        chain.keys = published_keys(bundle, log, pinned, steps["signatures"])
        report.keys[log] = [str(each) for each in chain.keys]
        check_heads(bundle, chain, steps["signatures"])
        read_lines(bundle, chain, stores[log], steps["lines"])
        check_tree(bundle, chain, steps["tree"])
        if chain.newest is not None:
            report.heads[log] = chain.newest.short
        _remark(report, chain)
    report.pinned = all(any(key in pinned for key in chain.keys) for chain in chains.values())
    if not report.pinned:
        report.remarks.append(Finding(key="keys-of-the-operator", values={}))
    return chains


def _remark(report: Report, chain: Chain) -> None:
    found = [each for each in chain.heads if each.as_found]
    if found:
        report.remarks.append(Finding(key="as-found", values={"log": chain.log, "size": found[-1].size}))
    if chain.unknown:
        names = ", ".join(f"{name} ({number})" for name, number in sorted(chain.unknown.items()))
        step = report.step("newer")
        step.is_open = True
        step.figures["types"] = names[:300]
        step.figures["log"] = chain.log


def _rules(
    bundle: Bundle, report: Report, stores: dict[str, LineStore], chains: dict[str, Chain], progress: SayProgress
) -> None:
    """Terms, deadlines, charges and documents."""
    progress("terms")
    terms = check_terms(bundle, stores["tickets"], report.step("terms"))
    progress("timers")
    steps = report.step("timers"), report.step("notices")
    told = read_notices(bundle, steps[1])
    TimerCheck(bundle, stores["tickets"], terms.deadlines, told, steps).run()
    progress("charges")
    bills = report.step("documents"), report.step("shown"), report.step("charges")
    documents, shown, charges = bills
    ChargeCheck(
        bundle, stores["tickets"], stores["billing"], chains["billing"], terms.agreements, (charges, documents, shown)
    ).run()

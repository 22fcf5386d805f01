"""The report: as lines for a terminal, as JSON, and as one page of HTML that can be printed and handed on.

What a bundle says may be written to deceive whoever reads the report: characters that a terminal
obeys or that turn the writing are shown as their numbers.
"""

from __future__ import annotations

import html
import json
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from fristwerk_language.terms.hidden_characters import HIDDEN, escaped
from fristwerk_verify.findings import CheckStep, Report
from fristwerk_verify.messages import TITLES, VERDICTS, ReportLanguage, sentence, sentences

_MARKS: Final = {"holds": "✓", "fails": "✗", "open": "?"}
_LABELS: Final = {
    "en": {
        "title": "Verification of a Fristwerk installation",
        "provider": "Provider",
        "installation": "Installation",
        "known_at": "As of",
        "made_at": "Bundle made",
        "bundle": "SHA-256 of the manifest",
        "checked": "Checked",
        "with": "Checked with",
        "keys": "Keys of the heads",
        "heads": "Newest heads",
        "remarks": "To be known",
        "steps": "What was checked",
        "how": "Every deadline, charge and invoice was computed again from the recorded events alone, by the published rules,"
        " without the operator's systems and keys. Times are UTC.",
    },
    "de": {
        "title": "Prüfung einer Fristwerk-Installation",
        "provider": "Anbieter",
        "installation": "Installation",
        "known_at": "Stand",
        "made_at": "Paket erstellt",
        "bundle": "SHA-256 des Verzeichnisses",
        "checked": "Geprüft",
        "with": "Geprüft mit",
        "keys": "Schlüssel der Köpfe",
        "heads": "Jüngste Köpfe",
        "remarks": "Was zu wissen ist",
        "steps": "Was geprüft wurde",
        "how": "Jede Frist, alle Kosten und jede Rechnung wurden allein aus den aufgezeichneten Ereignissen nach den"
        " veröffentlichten Regeln neu berechnet, ohne Systeme und Schlüssel des Betreibers. Zeiten sind UTC.",
    },
}
_STYLE: Final = (
    "body{font:11pt/1.45 Georgia,serif;max-width:46em;margin:2em auto;padding:0 1em;color:#111}"
    "h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.1em;margin:1.6em 0 .4em}"
    ".verdict{font-size:1.2em;padding:.6em .8em;border:2px solid;margin:1em 0}"
    ".holds{color:#0a5c2b}.fails{color:#a11}.open{color:#8a5a00}"
    "table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:normal;color:#555;width:13em}"
    "th,td{vertical-align:top;padding:.15em .5em .15em 0}code{font-size:.85em;word-break:break-all}"
    "section{break-inside:avoid}ul{margin:.2em 0;padding-left:1.2em}p{margin:.2em 0}"
    "@media print{body{margin:0;max-width:none}}"
)


def as_text(report: Report, language: ReportLanguage) -> str:
    """Lines for a terminal; the last one is the verdict."""
    lines = [f"{report.provider} ({report.installation}), {report.known_at}", ""]
    for step in report.steps:
        first, *rest = sentences(step, language)
        lines += [f"{_MARKS[step.outcome]} {TITLES[language][step.key]}: {first}", *(f"  {each}" for each in rest)]
    lines += ["", *(sentence(each, language) for each in report.remarks)]
    lines += [f"{log} {head}" for log, head in report.heads.items()]
    return "\n".join(map(escaped, [*lines, "", VERDICTS[language][report.outcome]]))


def as_json(report: Report, language: ReportLanguage) -> bytes:
    """Everything as data, each step and finding with its sentence as well."""
    body: dict[str, Any] = msgspec.to_builtins(report)
    body["outcome"] = report.outcome
    body["verdict"] = VERDICTS[language][report.outcome]
    for step, shown in zip(report.steps, body["steps"], strict=True):
        shown |= {"outcome": step.outcome, "title": TITLES[language][step.key], "sentences": sentences(step, language)}
    for remark, shown in zip(report.remarks, body["remarks"], strict=True):
        shown["sentence"] = sentence(remark, language)
    return _harmless(msgspec.json.format(msgspec.json.encode(body), indent=1).decode())


def _harmless(document: str) -> bytes:
    """The same JSON, printable: inside texts hidden characters are escaped, beyond the basic plane as two halves (RFC 8259).

    Outside of texts there is nothing but line ends.
    """
    return HIDDEN.sub(lambda found: "\n" if found[0] == "\n" else json.dumps(found[0])[1:-1], document).encode()


def as_html(report: Report, language: ReportLanguage, checked_at: datetime) -> str:
    """One page without anything from elsewhere: no script, no font, no picture."""
    labels = _LABELS[language]
    facts = [
        (labels["provider"], report.provider),
        (labels["installation"], report.installation),
        (labels["known_at"], report.known_at),
        (labels["made_at"], report.made_at),
        (labels["checked"], checked_at.isoformat(timespec="seconds").replace("+00:00", "Z")),
        (labels["with"], f"fristwerk-verifier {_version()}"),
        (labels["bundle"], report.bundle),
        *((f"{labels['heads']} · {log}", head) for log, head in report.heads.items()),
        *((f"{labels['keys']} · {log}", key) for log, keys in report.keys.items() for key in keys),
    ]
    rows = "".join(f"<tr><th>{_safe(name)}</th><td><code>{_safe(value)}</code></td></tr>" for name, value in facts)
    remarks = "".join(f"<li>{_safe(sentence(each, language))}</li>" for each in report.remarks)
    known = f"<h2>{labels['remarks']}</h2><ul>{remarks}</ul>" if remarks else ""
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{labels["title"]}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{labels['title']}</h1><p>{labels['how']}</p>"
        f'<p class="verdict {report.outcome}">{_MARKS[report.outcome]} {_safe(VERDICTS[language][report.outcome])}</p>'
        f"<table>{rows}</table><h2>{labels['steps']}</h2>"
        + "".join(_section(step, language) for step in report.steps)
        + f"{known}</body></html>\n"
    )


def _safe(text: str) -> str:
    """What stands in a bundle, in a page: whoever made the bundle writes nothing of the report."""
    return html.escape(escaped(text))


def _section(step: CheckStep, language: ReportLanguage) -> str:
    told = "".join(f"<p>{_safe(each)}</p>" for each in sentences(step, language))
    mark = f'<span class="{step.outcome}">{_MARKS[step.outcome]}</span>'
    return f"<section><h2>{mark} {_safe(TITLES[language][step.key])}</h2>{told}</section>"


def _version() -> str:
    try:
        return version("fristwerk-verifier")
    except PackageNotFoundError:
        return "?"

"""A case's contract as the agreement document, the signed contract and the VAT rates that the
product rates with.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from billing_service.domain.facts.account import PrepaidPackage
from billing_service.domain.rating.vat import Rates
from fristwerk_cases.billing.case_format import Case, CaseError, CaseTimeLogged, ContractTerms
from fristwerk_language.terms import AgreementDocument, TermsError, agreement_document

NAME: Final = "case"
NORMAL: Final = "normal"
ADDON: Final = "addon"


def agreement_of(case: Case) -> AgreementDocument:
    """The agreement that a case describes. Raises CaseError."""
    terms = case.contract
    try:
        return agreement_document(
            {
                "agreement": NAME,
                "title": case.id,
                "timezone": terms.tz,
                "currency": terms.currency,
                "calendar": NAME,
                "severities": [{"id": NORMAL, "name": NORMAL}],
                "channels": ["email"],
                "ticket_types": _ticket_types(case),
                "appointments": _appointments(terms),
                "cost_approval": _cost_approval(terms),
                "billing": _billing(terms),
            }
        )
    except TermsError as error:
        raise CaseError(f"its terms are refused: {error}") from error


def packages_of(terms: ContractTerms) -> tuple[PrepaidPackage, ...]:
    """The case's packages, each with its own dates and prices."""
    return tuple(
        PrepaidPackage(
            id=each.id,
            minutes=each.minutes,
            from_on=each.valid_from,
            until_on=each.valid_to,
            increment_minutes=each.increment_min,
            overage_rate=each.overage_rate,
            overage_increment_minutes=each.overage_increment_min or each.increment_min,
        )
        for each in terms.packages
    )


def vat_rates_of(terms: ContractTerms) -> Rates:
    """The case's own percentage, at all times."""
    return {("DE", "standard"): ((date.min, terms.vat_rate or Decimal(0)),)}


def _ticket_types(case: Case) -> list[dict[str, Any]]:
    """Every class of a ticket that the case names; without a multiplier its factor is 1."""
    factors = dict(case.contract.multipliers)
    for event in case.events:
        if isinstance(event, CaseTimeLogged):
            factors.setdefault(event.ticket_class, Decimal(1))
    return [{"id": name, "rate_factor": str(factor)} for name, factor in factors.items()]


def _appointments(terms: ContractTerms) -> dict[str, Any] | None:
    if terms.cancellation is None:
        return None
    notice = {"notice_hours": terms.cancellation.notice_hours, "written": True, "measure": terms.cancellation.measure}
    return {"cancellation": notice}


def _cost_approval(terms: ContractTerms) -> dict[str, Any] | None:
    threshold = terms.approval.threshold_min if terms.approval else None
    return None if threshold is None else {"after_minutes": threshold}


def _billing(terms: ContractTerms) -> dict[str, Any]:
    """The billing section; late cancellation is charged without a separate decision."""
    billing: dict[str, Any] = {
        "plans": {plan: {} for plan in _plans(terms)},
        "rounding": {"scope": terms.rounding.scope},
        "coverage": [
            {"activity": "maintenance", "billable": False},
            {"activity": "defect", "entitled_by": "warranty", "billable": False},
        ],
    }
    if terms.packages:
        billing["package"] = _package(terms)
    if terms.hourly is not None:
        billing["hourly"] = {"rate": str(terms.hourly.rate), "increment_minutes": terms.hourly.increment_min}
    if terms.minimum is not None:
        minimum = {"amount": str(terms.minimum.amount), "scope": terms.minimum.scope}
        billing["minimum_charge"] = minimum | {"applies_to": list(terms.minimum.applies_to)}
    if terms.cancellation is not None:
        settled = "package" if terms.cancellation.settle_from == "allowance" else "invoice"
        billing["cancellation_fee"] = {"decision": "automatic", "settle_from": settled}
    if terms.addon is not None:
        price = {"monthly_price": str(terms.addon.monthly_price), "proration": terms.addon.proration}
        billing["addons"] = {ADDON: price | {"requires_plan": terms.addon.requires_plan}}
    if terms.vat_rate is not None:
        billing["vat"] = {"country": "DE", "rate": "standard"}
    if terms.cash_rounding is not None:
        billing["cash_rounding"] = str(terms.cash_rounding)
    return billing


def _package(terms: ContractTerms) -> dict[str, Any]:
    first = terms.packages[0]
    return {
        "increment_minutes": first.increment_min,
        "overage_rate": str(first.overage_rate),
        "overage_increment_minutes": first.overage_increment_min,
        "after_expiry": terms.after_expiry,
        "rate_factor": terms.multiplier_on_allowance,
    }


def _plans(terms: ContractTerms) -> list[str]:
    named = (terms.addon.requires_plan, terms.addon.plan) if terms.addon else ()
    return list(dict.fromkeys(plan for plan in named if plan is not None))

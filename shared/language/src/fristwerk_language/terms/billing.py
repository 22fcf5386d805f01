"""The billing section of an agreement: plans, packages, rates and the settings of the rules R1–R14."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool, model_validator

from fristwerk_language.terms.values import (
    Amount,
    PlacedError,
    PositiveAmount,
    TermsId,
    TermsModel,
    place,
)

IncrementMinutes = Annotated[int, Field(strict=True, ge=1, le=1_440)]
VAT_COUNTRIES: Final = ("CH", "DE", "GB")


class PlanTerms(TermsModel):
    """``package_hours`` are the sizes a contract may choose from; none: the plan has no package."""

    package_hours: list[Annotated[int, Field(strict=True, ge=1, le=100_000)]] = []


class PackageTerms(TermsModel):
    """Prepaid hours: drawn in increments, ``overage_rate`` per hour beyond them."""

    increment_minutes: IncrementMinutes
    overage_rate: Amount
    overage_increment_minutes: IncrementMinutes | None = None
    term: Literal["contract_year", "calendar_year"] = "contract_year"
    carry_over: StrictBool = False
    after_expiry: Literal["hourly", "overage", "refuse"] = "hourly"
    rate_factor: Literal["weight", "ignore"] = "weight"


class HourlyTerms(TermsModel):
    """``rate`` per hour in the agreement's currency."""

    rate: Amount
    increment_minutes: IncrementMinutes


class RoundingTerms(TermsModel):
    scope: Literal["ticket_day", "entry", "ticket", "period"] = "ticket_day"


class MinimumChargeTerms(TermsModel):
    amount: PositiveAmount
    scope: Literal["ticket", "group", "invoice"] = "ticket"
    applies_to: Annotated[list[Literal["hourly", "cancellation"]], Field(min_length=1)] = ["hourly"]


class CancellationFeeTerms(TermsModel):
    basis: Literal["preparation"] = "preparation"
    decision: Literal["required", "automatic"] = "automatic"
    settle_from: Literal["invoice", "package"] = "invoice"


class CoverageRule(TermsModel):
    """A match on the kind of work; the first that fits says whether it is billable."""

    activity: TermsId | None = None
    group: TermsId | None = None
    plan: TermsId | None = None
    entitled_by: Literal["contract", "warranty"] | None = None
    billable: StrictBool


class AddonTerms(TermsModel):
    monthly_price: Amount
    requires_plan: TermsId | None = None
    proration: Literal["daily", "none", "thirty360"] = "daily"


class VatTerms(TermsModel):
    country: Literal["CH", "DE", "GB"]
    rate: Literal["standard", "reduced", "zero", "reverse_charge"] = "standard"


class BillingTerms(TermsModel):
    """What work costs; without ``hourly``, billable work outside a package is the violation
    ``no_rate``.
    """

    plans: dict[TermsId, PlanTerms] = {}
    package: PackageTerms | None = None
    hourly: HourlyTerms | None = None
    rounding: RoundingTerms = RoundingTerms()
    minimum_charge: MinimumChargeTerms | None = None
    cancellation_fee: CancellationFeeTerms | None = None
    coverage: Annotated[list[CoverageRule], Field(max_length=1_000)] = []
    addons: dict[TermsId, AddonTerms] = {}
    vat: VatTerms | None = None
    cash_rounding: PositiveAmount | None = None

    @model_validator(mode="after")
    def _check_whole(self) -> BillingTerms:
        for name, plan in self.plans.items():
            if plan.package_hours and self.package is None:
                raise PlacedError(place("plans", name, "package_hours"), "the agreement has no 'package' terms")
            if len(set(plan.package_hours)) < len(plan.package_hours):
                raise PlacedError(place("plans", name, "package_hours"), "a size stands here twice")
        for name, addon in self.addons.items():
            if addon.requires_plan is not None and addon.requires_plan not in self.plans:
                pointer = place("addons", name, "requires_plan")
                raise PlacedError(pointer, f"the agreement has no plan {addon.requires_plan!r}")
        if (
            self.cancellation_fee is not None
            and self.cancellation_fee.settle_from == "package"
            and self.package is None
        ):
            raise PlacedError("/cancellation_fee/settle_from", "the agreement has no 'package' terms")
        return self

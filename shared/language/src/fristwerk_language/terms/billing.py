"""The billing section of an agreement: plans, packages, rates and the settings of the rules R1–R14."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from fristwerk_language.terms.values import (
    Amount,
    PlacedError,
    PositiveAmount,
    TermsId,
    TermsModel,
    added_key,
    place,
)

IncrementMinutes = Annotated[int, Field(strict=True, ge=1, le=1_440)]
Performer = Literal["employee", "partner"]
"""Who does work, as its time entry says, or else the field ``performer`` of its ticket."""


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


class PerformerRate(TermsModel):
    """The price of an hour that such a performer works."""

    performer: Performer
    rate: Amount


class HourlyTerms(TermsModel):
    """``rate`` per hour in the agreement's currency; ``rates`` of some performers differ from it."""

    rate: Amount
    increment_minutes: IncrementMinutes
    rates: Annotated[list[PerformerRate], Field(max_length=2)] = added_key([])

    def rate_of(self, performer: str | None) -> Amount:
        """The price of an hour that a performer works; of one without a rate, or not known, the common one."""
        return next((each.rate for each in self.rates if each.performer == performer), self.rate)

    @model_validator(mode="after")
    def _check_whole(self) -> HourlyTerms:
        performers = [each.performer for each in self.rates]
        for number, performer in enumerate(performers):
            if performer in performers[:number]:
                raise PlacedError(place("rates", number, "performer"), f"{performer!r} stands here twice")
        return self


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
    performer: Performer | None = added_key(None)
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
    ``no_rate``. ``internal`` are activities for the vendor's own sake: they are never billed.
    """

    plans: dict[TermsId, PlanTerms] = {}
    package: PackageTerms | None = None
    hourly: HourlyTerms | None = None
    rounding: RoundingTerms = RoundingTerms()
    minimum_charge: MinimumChargeTerms | None = None
    cancellation_fee: CancellationFeeTerms | None = None
    internal: Annotated[list[TermsId], Field(max_length=200)] = added_key([])
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

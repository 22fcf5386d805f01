"""The shipped calendars and agreements, and the reference of the language they are written in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from fristwerk_language.terms import (
    AgreementDocument,
    CalendarDocument,
    TermsError,
    agreement_document,
    calendar_document,
    canonical,
    digest,
    read_yaml,
    stored_agreement,
)

ROOT = Path(__file__).parents[3]
TERMS = ROOT / "deploy/local/src/fristwerk_local/terms"
SHIPPED = sorted(TERMS.glob("*/*.yaml"))
REFERENCE = (ROOT / "docs/reference/terms.md").read_text(encoding="utf-8")
DIGESTS = {
    "agreements/digidesk": "sha256:cf9ed895080bd8ebab947f9cc3f47c6e80c7a99e63d99891f71a968957e8e42a",
    "calendars/infoniqa": "sha256:1d35d2a3ef86903bdc0d3a9bea501e265a3d682820128d8775f50ce25fe5faa7",
}
KEYS_SINCE = {"activities", "categories", "counts_from", "criteria"}
"""What the shipped documents have got since: keys that a document does not use leave its digest as it is."""


def without_new_keys(data: Any) -> Any:
    """A document as it was before the language got further keys."""
    if isinstance(data, list):
        return [without_new_keys(each) for each in data]
    if isinstance(data, dict):
        return {key: without_new_keys(value) for key, value in data.items() if key not in KEYS_SINCE}
    return data


def document(path: Path) -> CalendarDocument | AgreementDocument:
    data = read_yaml(path.read_bytes())
    return calendar_document(data) if path.parent.name == "calendars" else agreement_document(data)


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a document and of the parts inside it."""
    found = {field.alias or name for name, field in model.model_fields.items()}
    for field in model.model_fields.values():
        for part in parts_of(field.annotation):
            found |= keys_of(part)
    return found


def parts_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for each in getattr(annotation, "__args__", ()) for part in parts_of(each)]


def test_all_thirteen_are_shipped() -> None:
    assert len(SHIPPED) == 13


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_shipped_document_is_accepted_as_it_is_and_named_like_its_file(path: Path) -> None:
    accepted = document(path)
    name = accepted.calendar if isinstance(accepted, CalendarDocument) else accepted.agreement
    assert name == path.stem


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_canonical_form_reads_back_as_the_same_document(path: Path) -> None:
    accepted = document(path)
    data = canonical(accepted)
    again = calendar_document(data) if isinstance(accepted, CalendarDocument) else agreement_document(data)
    assert again == accepted
    assert canonical(again) == data


@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest_stays_what_it_was_when_published(name: str) -> None:
    data = read_yaml((TERMS / f"{name}.yaml").read_bytes())
    as_it_was = without_new_keys(data)
    accepted = calendar_document(as_it_was) if name.startswith("calendars") else agreement_document(as_it_was)
    assert digest(canonical(accepted)) == DIGESTS[name]


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": ["ä", None]}) == digest({"b": ["ä", None], "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})


@pytest.mark.parametrize("path", sorted((TERMS / "agreements").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_calendar_that_a_shipped_agreement_names_is_shipped(path: Path) -> None:
    accepted = document(path)
    assert isinstance(accepted, AgreementDocument)
    shipped = {each.stem for each in (TERMS / "calendars").glob("*.yaml")}
    assert {name for _, name in accepted.calendar_names} <= shipped


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL))
def test_the_examples_of_the_reference_are_documents(text: str) -> None:
    data = read_yaml(text.encode())
    accepted = calendar_document(data) if "years" in data else agreement_document(data)
    assert canonical(accepted)


def test_the_reference_has_an_example_of_both() -> None:
    assert len(re.findall(r"```yaml\n(?:calendar|agreement):", REFERENCE)) == 2


@pytest.mark.parametrize("model", [CalendarDocument, AgreementDocument])
def test_every_key_of_the_language_stands_in_the_reference(model: type[BaseModel]) -> None:
    assert {key for key in keys_of(model) if not re.search(rf"\b{key}\b", REFERENCE)} == set()


HIDDEN_CHARACTERS = [*"\x00\x07\x1b\x7f\x85\xad\u200b\u200f\u2028\u202e\u2066\ufeff\ufff9\U000e0041"]


def models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A document's model and those of the parts inside it."""
    found = {model}
    for field in model.model_fields.values():
        for part in parts_of(field.annotation):
            found |= models_of(part)
    return found


FIELDS = [
    (model, name)
    for model in sorted(models_of(AgreementDocument) | models_of(CalendarDocument), key=lambda each: each.__name__)
    for name in model.model_fields
]


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda each: each if isinstance(each, str) else each.__name__)
def test_no_text_of_the_language_takes_what_is_not_seen(model: type[BaseModel], name: str) -> None:
    """Every field, so that a new one is tried from then on."""
    field = model.model_fields[name]
    annotated: Any = Annotated
    text: TypeAdapter[Any] = TypeAdapter(annotated[field.annotation, *field.metadata, ""])
    for hidden in HIDDEN_CHARACTERS:
        for given in (f"Schwer{hidden}", [f"Schwer{hidden}"]):
            with pytest.raises(ValidationError):
                text.validate_python(given)


BARE: dict[str, Any] = {
    "agreement": "bare",
    "timezone": "Europe/Zurich",
    "currency": "CHF",
    "calendar": "bare",
    "channels": ["email"],
    "ticket_types": [{"id": "normal"}],
}


def severity(**texts: str) -> dict[str, Any]:
    return BARE | {"severities": [{"id": "a", "name": "A"} | texts]}


def test_a_name_is_one_line_and_a_definition_may_have_several() -> None:
    assert agreement_document(severity(definition="Nothing works.\n\tNobody can work.\n")).severities
    for name in ("Kritisch\nund mehr", "Kri\ttisch", " "):
        with pytest.raises(TermsError, match="/severities/0/name: must "):
            agreement_document(severity(name=name))


def test_what_was_published_before_names_were_held_to_this_stays_readable() -> None:
    read = stored_agreement(severity(name="Kri\u202etisch", definition="\u2066Alles"))
    assert (read.severities[0].name, read.severities[0].definition) == ("Kri\u202etisch", "\u2066Alles")

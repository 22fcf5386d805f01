"""Writes the pages of the three HTTP interfaces from their OpenAPI documents, whenever the site is built."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import billing_service.app
import sla_service.app
import ticket_service.app
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings

FOLDER: Final = Path(__file__).parent / "reference" / "http"
SERVICES: Final = {
    "ticket-service": ticket_service.app.create_app,
    "sla-service": sla_service.app.create_app,
    "billing-service": billing_service.app.create_app,
}
MAX_EXAMPLE: Final = 1_500
"""Characters of an example that is shown; a longer one is cut where a reader has seen its shape."""

Json = dict[str, Any]


def write() -> None:
    """All pages. Only pages that changed are written, so that Sphinx builds no other again."""
    FOLDER.mkdir(exist_ok=True)
    for name, document in documents().items():
        file, text = FOLDER / f"{name}.md", "\n".join(page(name, document)) + "\n"
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def documents() -> dict[str, Json]:
    """The OpenAPI document of each service, made without starting it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(var=Path(folder))
        return {name: create_app(settings, Stopping()).openapi() for name, create_app in SERVICES.items()}


def page(name: str, document: Json) -> Iterator[str]:
    """The lines of one service's page."""
    yield f"# {name} over HTTP\n"
    yield f"{document['info']['description']}\n"
    yield "Made from the service's own `/openapi.json`. Every refusal is a problem as of RFC 9457.\n"
    tags: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation.get("tags", ["other"])[0], []).append((method.upper(), path, operation))
    schemas = document.get("components", {}).get("schemas", {})
    for tag, operations in tags.items():
        yield f"## {tag.capitalize()}\n"
        for method, path, operation in operations:
            yield from _operation(method, path, operation, schemas)


def _operation(method: str, path: str, operation: Json, schemas: Json) -> Iterator[str]:
    yield f"### {operation['summary']}\n"
    yield f"`{method} {path}`\n"
    if "description" in operation:
        yield f"{operation['description']}\n"
    parameters = [each for each in operation.get("parameters", []) if each["in"] != "path"]
    if parameters:
        yield from _table("parameter", ((each["name"], each["schema"], each) for each in parameters))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield from _body(kind, content, schemas)
    for status, response in operation["responses"].items():
        if "$ref" in response:
            continue  # refusals, the same everywhere
        yield f"Answers `{status}`: {response['description']}.\n"
        for content in list(response.get("content", {}).values())[:1]:
            if "example" in content:
                yield from _example(content["example"])


def _body(kind: str, content: Json, schemas: Json) -> Iterator[str]:
    schema = _resolved(content.get("schema", {}), schemas)
    yield f"Body (`{kind}`){': ' + schema['description'] if 'description' in schema else ''}\n"
    if "properties" in schema:
        required = schema.get("required", [])
        rows = ((name, each, {"required": name in required}) for name, each in schema["properties"].items())
        yield from _table("field", rows)
    if "example" in content:
        yield from _example(content["example"])


def _table(title: str, rows: Any) -> Iterator[str]:
    yield f"| {title} | what it is | |\n|---|---|---|"
    for name, schema, about in rows:
        need = "required" if about.get("required") else _default(schema)
        said = about.get("description") or schema.get("description") or ""
        yield f"| `{name}` | {_cell(_words(schema), said)} | {need} |"
    yield ""


def _cell(words: str, said: str) -> str:
    return (f"{words}. {said}" if said else words).replace("|", r"\|").replace("\n", " ")


def _words(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_words(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = str(schema.get("type", "any JSON"))
    if kind == "array":
        return f"list of {_words(schema.get('items', {}))}"
    limits = [f"at least {schema['minimum']}"] if "minimum" in schema else []
    limits += [f"at most {schema['maximum']}"] if "maximum" in schema else []
    limits += [f"at most {schema['maxLength']} characters"] if "maxLength" in schema else []
    return ", ".join([schema.get("format", kind), *limits])


def _default(schema: Json) -> str:
    default = schema.get("default")
    return f"default `{json.dumps(default)}`" if default not in (None, "", {}, []) else "optional"


def _resolved(schema: Json, schemas: Json) -> Json:
    return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas) if "$ref" in schema else schema


def _example(example: Any) -> Iterator[str]:
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    if len(text) > MAX_EXAMPLE:
        text = text[:MAX_EXAMPLE].rpartition("\n")[0] + "\n…"
    yield f"```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    write()

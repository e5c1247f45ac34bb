"""Schemas of bodies as closed alternatives (電文の形): what must be there together stands in the document, too.

A reader, or a generator, of the OpenAPI document then knows what is valid without our validators. The rules themselves
are those of ``model``; nothing is validated here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]
NOTHING: Schema = {"type": "null"}


def one_way(schema: Schema) -> None:
    """Replace the schema of an object by its two alternatives: the card's serial or evidence."""
    each_way(schema, ({},))


def each_way(schema: Schema, choices: Sequence[Schema]) -> None:
    """The two alternatives for each of ``choices`` (as ``each_of``)."""
    ways = _ways(schema["properties"])
    each_of(
        schema,
        [
            choice | way | {"required": [name, *choice.get("required", ())]}
            for choice in choices
            for name, way in ways.items()
        ],
    )


def each_of(schema: Schema, choices: Sequence[Schema]) -> None:
    """Replace the schema of an object by closed alternatives.

    A choice maps properties to their schema in it, and ``required`` to the names that must be there besides.
    """
    whole = dict(schema)
    schema.clear()
    schema.update({key: whole.pop(key) for key in ("title", "description") if key in whole})
    schema["oneOf"] = [_narrowed(whole, choice) for choice in choices]


def _ways(properties: Schema) -> dict[str, Schema]:
    """Who asks: the one is given, the other is not; the issuer belongs to the serial."""
    return {
        "card_serial": {"card_serial": given(properties["card_serial"]), "evidence": NOTHING},
        "evidence": {"evidence": given(properties["evidence"]), "card_serial": NOTHING, "card_issuer_sha256": NOTHING},
    }


def given(optional: Schema) -> Schema:
    """The schema of an optional property without its null."""
    found: Schema = optional["anyOf"][0]
    return found


def _narrowed(whole: Schema, choice: Schema) -> Schema:
    required = [*whole.get("required", ()), *choice.get("required", ())]
    properties = {name: one for name, one in choice.items() if name != "required"}
    return whole | {"properties": whole["properties"] | properties, "required": required}

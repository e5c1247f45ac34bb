"""What this host has installed (導入済みの版): one hash a component, read once when the process starts.

Compared with what the database says is current: a fix or a form that missed one server never issues.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from issuance_api.rendering import versions
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT

PROGRAM_FILES = (".py", ".xsd")
PROGRAM = ("records", "municipalities", "gaiji_maps", "replica", "issuance_api")
MIGRATIONS = CHECKOUT / "replica" / "migrations" / "versions"


def installed(municipality: Municipality) -> dict[str, str]:
    """Component (program, form, font, map, schema, configuration) → version."""
    return dict(_installed(municipality.folder))


@cache
def _installed(folder: Path) -> dict[str, str]:
    drawn_with = versions(folder)
    return {
        "program": _program(),
        "form": drawn_with.form,
        "font": drawn_with.font,
        "map": _hash([folder / "gaiji_map.csv"]),
        "schema": max(path.name.partition("_")[0] for path in MIGRATIONS.glob("[0-9]*.up.sql")),
        "configuration": _hash([folder / "settings.toml"]),
    }


@cache
def _program() -> str:
    files = (path for room in PROGRAM for path in (CHECKOUT / room).rglob("*"))
    return _hash(path for path in files if path.suffix in PROGRAM_FILES)


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()

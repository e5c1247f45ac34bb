"""One installation (site): its state folder, its database server, its secrets and the vendors' real addresses.

Everything that an installation writes lies under ``home()``; ``site.toml`` there is the only file that differs between
two installations of the same release. Secrets are files, one value each, readable by the owner only.
"""

from __future__ import annotations

import fcntl
import os
import secrets as random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from records.errors import ConfigurationError, Place

CHECKOUT = Path(__file__).resolve().parent.parent
SITE_FILE = "site.toml"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where the replica databases live."""

    host: str = "127.0.0.1"
    port: int = 5432


@dataclass(frozen=True, slots=True)
class Site:
    """``site.toml``: addresses that belong to this installation and not to a municipality.

    ``fonts`` are the entries ``[[fonts]]`` as they stand there; ``municipalities.fonts`` reads them. ``koseki`` has the
    address of each municipality's 戸籍 system with the files of its CA and of our certificate; ``jpki`` is what
    ``issuance_api.jpki.settings`` reads, ``centre`` what ``issuance_api.centre.settings`` does.
    """

    postgres: PostgresAddress = field(default_factory=PostgresAddress)
    vendors: dict[str, dict[str, Any]] = field(default_factory=dict)
    fonts: tuple[dict[str, Any], ...] = ()
    koseki: dict[str, dict[str, Any]] = field(default_factory=dict)
    jpki: dict[str, Any] = field(default_factory=dict)
    centre: dict[str, Any] = field(default_factory=dict)


def home() -> Path:
    """The state folder: ``UTSUSHI_HOME``, or ``.utsushi`` in the checkout."""
    return Path(os.environ.get("UTSUSHI_HOME") or CHECKOUT / ".utsushi").resolve()


def site() -> Site:
    """The installation's settings, read anew at each call: ports change when services restart."""
    path = home() / SITE_FILE
    if not path.exists():
        raise ConfigurationError(
            "this installation is not set up yet: run ./utsushi up or ./utsushi demo", Place(SITE_FILE)
        )
    with path.open("rb") as file:
        values = tomllib.load(file)
    if unknown := set(values) - {"postgres", "vendors", "fonts", "koseki", "jpki", "centre"}:
        raise ConfigurationError(f"unknown tables {sorted(unknown)}", Place(SITE_FILE))
    postgres = PostgresAddress(**values.get("postgres", {}))
    fonts = tuple(values.get("fonts", ()))
    tables = (values.get(name, {}) for name in ("koseki", "jpki", "centre"))
    return Site(postgres, values.get("vendors", {}), fonts, *tables)


def write_site(new: Site) -> None:
    """Replace ``site.toml`` atomically."""
    lines = ["[postgres]", f'host = "{new.postgres.host}"', f"port = {new.postgres.port}"]
    for code, vendor in sorted(new.vendors.items()):
        lines += ["", f'[vendors."{code}"]']
        lines += [f"{key} = {_toml(value)}" for key, value in sorted(vendor.items())]
    for code, system in sorted(new.koseki.items()):
        lines += ["", f'[koseki."{code}"]', *(f"{key} = {_toml(value)}" for key, value in sorted(system.items()))]
    for name, table in (("jpki", new.jpki), ("centre", new.centre)):
        if table:
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in sorted(table.items()))]
    for font in new.fonts:
        lines += ["", "[[fonts]]", *(f"{key} = {_toml(value)}" for key, value in sorted(font.items()))]
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    part = home() / f"{SITE_FILE}.{os.getpid()}.{random.token_hex(4)}"
    part.write_text("\n".join(lines) + "\n", "utf-8")
    os.replace(part, home() / SITE_FILE)


def change_site(change: Callable[[Site], Site]) -> None:
    """Change ``site.toml``; services that start together do so one after the other, and none undoes another's."""
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home() / f".{SITE_FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_site(change(site() if (home() / SITE_FILE).exists() else Site()))


def secret(name: str) -> str:
    """The secret ``name``; ``ConfigurationError`` names the missing file, never a value."""
    path = home() / "secrets" / name
    if not path.exists():
        raise ConfigurationError("a secret is missing", Place(f"secrets/{name}"))
    return path.read_text("utf-8").strip()


def ensure_secret(name: str, value: str | None = None) -> str:
    """The secret ``name``, made at random (256 bits) or from ``value`` where there is none yet."""
    folder = home() / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        _create(path, value or random.token_urlsafe(32))
    return secret(name)


def _create(path: Path, value: str) -> None:
    """Written whole under another name and linked into place: two processes at once agree on one value."""
    part = path.with_name(f"{path.name}.{os.getpid()}.{random.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
    try:
        os.link(part, path)
    except FileExistsError:
        return
    finally:
        part.unlink()


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(value)
        if isinstance(value, int | float)
        else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    )

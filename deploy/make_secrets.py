"""``python deploy/make_secrets.py``: makes the secrets of a site in containers, below ``deploy/secrets/``.

What each kind of host gets is a folder of its own: an issuance node never sees the password of a role that may write
the replica. Secrets that are there already are kept. Needs Python alone, nothing installed.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from municipalities import registry, site  # noqa: E402 - a script of its own: the path comes first
from services import airflow_environment  # noqa: E402

FOLDER = CHECKOUT / "deploy" / "secrets"
# As issuance_api and extractors name them; importing those would need more than Python alone.
CENTRE_TOKEN = "centre.token"  # noqa: S105 - the name of the file
ISSUE_RECORD_KEY = "issue_record.key"
SOURCE_KEY = "source.key"
ROLES = ("owner", "loader", "issuer", "console")
# The users of deploy/Dockerfile.*: a container reads its secrets as one of them.
USERS = {"": 10001, "sync": 10001, "prepare": 10001, "issuance": 10002}


def main() -> None:
    """Make what is missing; print the names, never a value."""
    values = _values()
    for name, value in values.items():
        _write(FOLDER / name, value)
    for code in registry.all_codes():
        for role in ROLES:
            name = f"{role}_{code}.password"
            for host in hosts_of(role):
                _write(FOLDER / host / name, site.ensure_secret(name))
    _write(FOLDER / "issuance" / CENTRE_TOKEN, site.ensure_secret(CENTRE_TOKEN))
    _write(FOLDER / "issuance" / ISSUE_RECORD_KEY, site.ensure_secret(ISSUE_RECORD_KEY))
    _write(FOLDER / "sync" / SOURCE_KEY, site.ensure_secret(SOURCE_KEY, base64.b64encode(os.urandom(32)).decode()))
    print(f"made: {', '.join(values)}, and the roles' passwords of {', '.join(registry.all_codes())}")


def hosts_of(role: str) -> tuple[str, ...]:
    """Which hosts get the passwords of a role: the one that makes all roles, and the one that connects as it."""
    connects = {"loader": ("sync",), "issuer": ("issuance",)}
    return ("prepare", *connects.get(role, ()))


def _values() -> dict[str, str]:
    airflow_environment.write_secrets("postgres", 5432)
    users = {f"airflow.user.{user}.password" for user in airflow_environment.USERS}
    names = {*airflow_environment.SECRET_FILES.values(), "airflow.password", "postgres.password"}
    return {name: site.ensure_secret(name) for name in sorted(names | users)}


def _write(path: Path, value: str) -> None:
    """Readable by the container's user alone; without root, which alone can give files away, by everyone here."""
    user = USERS[path.parent.name if path.parent != FOLDER else ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(value, "utf-8")
    path.chmod(0o400 if os.geteuid() == 0 else 0o444)
    if os.geteuid() == 0:
        os.chown(path, user, user)


if __name__ == "__main__":
    os.environ["UTSUSHI_HOME"] = str(FOLDER / "all")
    main()

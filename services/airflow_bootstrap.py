"""``python -m services.airflow_bootstrap``: one process that brings Airflow's metadata database up to date.

Migrations, pools, and in containers the accounts. It goes through Airflow's own command line in one process: each
``airflow`` command of its own pays three seconds of imports, and shows its arguments to everyone on the machine.
"""

from __future__ import annotations

import os
from pathlib import Path

from services.airflow_environment import FAB_AUTH_MANAGER, FULL_LOAD_POOL, FULL_LOAD_SLOTS, USERS, container


def main() -> None:
    """Migrate, then make the pool that keeps full loads from taking all of a small machine, then the accounts."""
    from airflow.cli import cli_parser

    commands = [
        ["db", "migrate"],
        ["pools", "set", FULL_LOAD_POOL, str(FULL_LOAD_SLOTS), "full sets (全件) loaded at the same time"],
    ]
    if os.environ["AIRFLOW__CORE__AUTH_MANAGER"] == FAB_AUTH_MANAGER:
        commands += [_create_user(user, role) for user, role in USERS.items()]
    parser = cli_parser.get_parser()
    for arguments in commands:
        options = parser.parse_args(arguments)
        options.func(options)


def _create_user(user: str, role: str) -> list[str]:
    """An account in Airflow's database; one that is there already is kept, with its password."""
    password = (Path(container().secrets) / f"airflow.user.{user}.password").read_text("utf-8").strip()
    name = ["--username", user, "--firstname", user, "--lastname", user, "--email", f"{user}@localhost.localdomain"]
    return ["users", "create", *name, "--role", role.capitalize(), "--password", password]


if __name__ == "__main__":
    main()

"""``python -m services.airflow_bootstrap``: one process that brings Airflow's metadata database up to date.

Migrations and pools only. It goes through Airflow's own command line in one process, because each ``airflow`` command
pays three seconds of imports.
"""

from __future__ import annotations

from services.airflow_environment import FULL_LOAD_POOL, FULL_LOAD_SLOTS


def main() -> None:
    """Migrate, then make the pool that keeps full loads from taking all of a small machine."""
    from airflow.cli import cli_parser

    parser = cli_parser.get_parser()
    for arguments in (
        ["db", "migrate"],
        ["pools", "set", FULL_LOAD_POOL, str(FULL_LOAD_SLOTS), "full sets (全件) loaded at the same time"],
    ):
        options = parser.parse_args(arguments)
        options.func(options)


if __name__ == "__main__":
    main()

"""``python -m services.prepare``: the databases of a site in containers, made or migrated once at each start.

The same as the supervisor does (``database``, then ``airflow_bootstrap``), on a server that somebody else has started.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from municipalities.site import SITE_FILE, PostgresAddress, Site, home, site, write_site
from services import airflow_bootstrap
from services.airflow_environment import DATABASE, container
from services.database import prepare_airflow, prepare_replicas, publish_release
from services.postgres import SUPERUSER

GIVEN = Path("/etc/utsushi/site.toml")


def main() -> int:
    """Make everything; exit code 1 when a part of it failed."""
    address = place_site_file().postgres
    secrets = Path(container().secrets)
    password = (secrets / "postgres.password").read_text("utf-8").strip()
    dsn = f"host={address.host} port={address.port} dbname=postgres user={SUPERUSER} password={password}"
    failures = prepare_replicas(dsn)
    if failure := publish_release():
        failures.append(failure)
    for failure in failures:
        print(failure, file=sys.stderr)
    prepare_airflow(dsn, (secrets / f"{DATABASE}.password").read_text("utf-8").strip())
    airflow_bootstrap.main()
    return 1 if failures else 0


def place_site_file(given: Path = GIVEN) -> Site:
    """Put the site's settings into the state folder; what the simulated world wrote about its vendors stays."""
    new = tomllib.loads(given.read_text("utf-8"))
    old = site().vendors if (home() / SITE_FILE).exists() else {}
    vendors = {**old, **new.get("vendors", {})}
    tables = (new.get(name, {}) for name in ("koseki", "jpki", "centre"))
    write_site(Site(PostgresAddress(**new["postgres"]), vendors, tuple(new.get("fonts", ())), *tables))
    return site()


if __name__ == "__main__":
    sys.exit(main())

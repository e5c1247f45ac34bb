"""A town on a real PostgreSQL, and the app on it. The fictional people are those of the golden pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from issuance_api import issue_record, release
from issuance_api.app import TOKEN, Settings, create_app
from municipalities.registry import get
from municipalities.site import PostgresAddress, Site, ensure_secret, write_site
from services.postgres import PostgresServer

if TYPE_CHECKING:
    from jpki_site import Authorities, Kiosk

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "forms"))
sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def issuing_site(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An installation with the database of one municipality; gives the centre's token."""
    from fictional_people import CODE

    from replica import admin

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UTSUSHI_HOME", str(tmp_path_factory.mktemp("home")))
        write_site(Site(PostgresAddress(postgres.host, postgres.port)))
        admin.create_database(postgres.superuser_dsn, CODE)
        ensure_secret(issue_record.KEY)
        release.publish(CODE)
        yield ensure_secret(TOKEN)
        admin.drop_database(postgres.superuser_dsn, CODE)


@pytest.fixture(scope="session")
def app_client(issuing_site: str) -> Iterator[TestClient]:
    """The running app at a fixed hour, as the centre sees it."""
    from issuing_town import NOW

    app = create_app(Settings((get("364894"),), clock=lambda: NOW, deadline_seconds=20))
    with TestClient(app, headers={"Authorization": f"Bearer {issuing_site}"}, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def centre(app_client: TestClient) -> TestClient:
    """The app on a freshly filled town."""
    from issuing_town import NOW, fill

    fill(NOW)
    return app_client


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorities]:
    """Certification authorities with their responders."""
    from jpki_site import Authorities

    made = Authorities(tmp_path_factory.mktemp("authorities"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_site(issuing_site: str, authorities: Authorities) -> Iterator[Kiosk]:
    """The app of a site that verifies itself."""
    from jpki_site import kiosk_at

    with kiosk_at(issuing_site, authorities) as kiosk:
        yield kiosk


@pytest.fixture
def kiosk(own_site: Kiosk) -> Kiosk:
    """The same on a freshly filled town, with good answers from everybody."""
    from issuing_town import NOW, fill

    fill(NOW)
    own_site.hour.now = NOW
    own_site.authorities.settle()
    return own_site

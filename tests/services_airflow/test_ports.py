"""Ports are picked once, kept, and given up only when somebody else has them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from records.errors import ConfigurationError
from services import ports

pytestmark = pytest.mark.usefixtures("utsushi_home")


def test_a_service_keeps_its_port() -> None:
    first = ports.claim("airflow_api")
    assert first in ports.RANGE
    assert ports.claim("airflow_api") == first == ports.recorded("airflow_api")
    assert ports.claim("issuance_api") != first


def test_a_port_that_somebody_else_took_is_given_up() -> None:
    first = ports.claim("airflow_api")
    with socket.socket() as other:
        other.bind(("127.0.0.1", first))
        other.listen()
        assert not ports.free(first)
        second = ports.claim("airflow_api")
    assert second != first
    assert ports.recorded("airflow_api") == second


def test_a_service_that_never_started_has_none(utsushi_home: Path) -> None:
    with pytest.raises(ConfigurationError, match="utsushi up"):
        ports.recorded("airflow_api")
    assert not (utsushi_home / "ports.json").exists()

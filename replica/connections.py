"""Connections to a municipality's replica database, each as the role that the caller is, never as another."""

from __future__ import annotations

from typing import Literal, get_args

import psycopg
from psycopg.conninfo import make_conninfo

from municipalities.site import secret, site
from records.errors import ConfigurationError
from replica.driver_errors import reduced

Role = Literal["owner", "loader", "issuer", "console"]
ROLES: tuple[Role, ...] = get_args(Role)


def database_name(code: str) -> str:
    """Name of a municipality's database."""
    return f"replica_{code}"


def role_name(code: str, role: Role) -> str:
    """Name of a municipality's database role."""
    return f"{role}_{code}"


def password_secret(code: str, role: Role) -> str:
    """Name of the secret that holds a role's password."""
    return f"{role_name(code, role)}.password"


def dsn(code: str, role: Role) -> str:
    """Connection string for one municipality as one role; it holds the password."""
    if role not in ROLES:
        raise ConfigurationError(f"there is no such role; known: {', '.join(ROLES)}")
    address = site().postgres
    return make_conninfo(
        host=address.host,
        port=address.port,
        dbname=database_name(code),
        user=role_name(code, role),
        password=secret(password_secret(code, role)),
        connect_timeout=10,
        application_name=f"utsushi-{role}",
    )


def connect(code: str, role: Role) -> psycopg.Connection:
    """A new connection; ``DatabaseUnavailable`` when there is none to be had."""
    with reduced("connect"):
        return psycopg.connect(dsn(code, role))

"""The 戸籍 system that ``site.toml`` names for a municipality, as it stands there when it is asked.

A renewed certificate takes effect with the next order too.

[koseki."364894"]
url = "https://koseki.example"
ca = "secrets/koseki/ca.pem"          # from the state folder
client = "secrets/koseki/client.pem"  # our certificate and its key
"""

from __future__ import annotations

import logging

from issuance_api.koseki.client import UNAVAILABLE, HttpsKosekiSystem, KosekiAddress
from issuance_api.koseki.order import Extract, KosekiUnavailable, Order
from municipalities.site import home, site

log = logging.getLogger(__name__)


class ConfiguredKoseki:
    """The system of one municipality; another address in ``site.toml`` takes effect with the next order."""

    def __init__(self, municipality: str) -> None:
        self._municipality = municipality
        self._state: tuple[KosekiAddress, int, int] | None = None
        self._system: HttpsKosekiSystem | None = None

    async def fetch(self, order: Order, deadline_seconds: float) -> Extract:
        """As ``HttpsKosekiSystem``; ``KosekiUnavailable`` where none is configured."""
        address = self._configured()
        if address is None:
            raise KosekiUnavailable(UNAVAILABLE)
        try:
            state = (address, address.ca.stat().st_mtime_ns, address.client.stat().st_mtime_ns)
            if self._system is None or state != self._state:
                self._system = HttpsKosekiSystem(self._municipality, address)
                self._state = state
        except (OSError, ValueError):  # a file is not there, or is no certificate
            log.error("the certificates for the 戸籍 system of %s can't be read", self._municipality)
            raise KosekiUnavailable(UNAVAILABLE) from None
        return await self._system.fetch(order, deadline_seconds)

    def _configured(self) -> KosekiAddress | None:
        values = site().koseki.get(self._municipality)
        if values is None:
            return None
        return KosekiAddress(str(values["url"]), home() / str(values["ca"]), home() / str(values["client"]))

"""Fetching answers about revocation (失効情報の取得) over a network that nobody here controls. Judges no answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from issuance_api.jpki.results import no

OK = 200
PLAIN = {"accept-encoding": "identity"}  # nothing to inflate


@dataclass(frozen=True, slots=True)
class Question:
    """Where, how much at most, and for OCSP what; an address of configuration, never of a certificate."""

    address: str
    maximum_bytes: int
    body: bytes | None = None
    kind: str | None = None
    seconds: float = 5.0


def new_client() -> httpx.AsyncClient:
    """A client that takes no proxy or netrc from the environment and follows no redirect."""
    return httpx.AsyncClient(trust_env=False, follow_redirects=False)


async def fetch(client: httpx.AsyncClient, question: Question) -> bytes | None:
    """The bytes; ``None`` if the source is down, redirects or takes longer than its time as a whole."""
    headers = PLAIN | ({"content-type": question.kind} if question.kind else {})
    method, found = "GET" if question.body is None else "POST", bytearray()
    try:
        async with (
            asyncio.timeout(question.seconds),
            client.stream(
                method,
                question.address,
                content=question.body,
                headers=headers,
                follow_redirects=False,
                timeout=question.seconds,
            ) as answer,
        ):
            if answer.status_code != OK:
                return None
            async for part in answer.aiter_raw():
                found += part
                if len(found) > question.maximum_bytes:
                    raise no("jpki_revocation_invalid")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return None
    return bytes(found)

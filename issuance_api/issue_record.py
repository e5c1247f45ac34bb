"""The record that was certified (証明した記録), sealed: with it, form and font, the same bytes can be made again.

AES-256-GCM under the secret ``issue_record.key`` with the request's id as associated data; the PDF itself is never kept.
"""

from __future__ import annotations

import hashlib
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from issuance_api.forms import PageData, page_of_values
from issuance_api.model import Kind
from municipalities.site import secret
from records.errors import CheckFailed

KEY = "issue_record.key"
NONCE_BYTES = 12


def seal(request_id: str, page: PageData) -> bytes:
    """Nonce and cipher text of the page's data."""
    plain = json.dumps({"kind": page.kind.value, "values": page.values}, ensure_ascii=False).encode()
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key(secret(KEY))).encrypt(nonce, plain, request_id.encode())


def unseal(request_id: str, sealed: bytes) -> PageData:
    """The page's data again; ``CheckFailed`` when the record is not this request's or was changed."""
    cipher = AESGCM(_key(secret(KEY)))
    try:
        plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], request_id.encode())
    except InvalidTag:
        raise CheckFailed("the kept record is damaged, or another key is in use") from None
    content = json.loads(plain)
    return page_of_values(Kind(content["kind"]), content["values"])


def _key(text: str) -> bytes:
    """The secret is a random token; 256 bits of it are the key."""
    return hashlib.sha256(text.encode()).digest()

"""What a kiosk sends to show who is there (認証データ): only its form; ``verifier`` judges it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from issuance_api.message import Message

Algorithm = Literal["rsa-pkcs1v15-sha256", "rsa-pss-sha256", "ecdsa-p256-sha256", "ecdsa-p384-sha384"]


class Evidence(Message):
    """What the card gave (認証データ); base64 with padding."""

    certificate: Annotated[str, Field(min_length=1, max_length=11000)]
    challenge_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    signature: Annotated[str, Field(min_length=1, max_length=1400)]
    algorithm: Algorithm

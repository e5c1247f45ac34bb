"""Base of all bodies (電文の基底). Nothing else, so that what is below ``model`` can have bodies too."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Base of all bodies: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

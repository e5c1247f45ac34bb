"""What a node and its renderers say to each other: frames over a socket pair, a job and its answer.

A frame is its length (4 bytes, big-endian), the job's token (16 bytes) and a body. An answer bears the token of the job
that it answers; anything else is ``BrokenFrame``. JSON and bytes only: nothing that is executed when it is read.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gaiji_maps.fonts import FormFont
from issuance_api.compiling import Form, beyond_limit
from records.errors import CheckFailed, ConfigurationError, IssueRefused, Place

TOKEN_BYTES = 16
HEAD = struct.Struct(f">I{TOKEN_BYTES}s")
LARGEST_BODY = 64 * 1024 * 1024

DRAWN, BEYOND_LIMIT, NOT_COMPILED, MISCONFIGURED = b"D", b"L", b"N", b"C"


class BrokenFrame(Exception):
    """The other side does not keep to the frames: it is not to be trusted any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one compile needs: the form, and the page's data as JSON."""

    form: Form
    data: str

    def encode(self) -> bytes:
        """As a body: the form in the first line, the data after it."""
        head = asdict(self.form) | {"root": str(self.form.root), "fonts": [_font(one) for one in self.form.fonts]}
        return json.dumps(head).encode() + b"\n" + self.data.encode()

    @classmethod
    def decode(cls, body: bytes) -> Job:
        """From a body."""
        head, _, data = body.partition(b"\n")
        form = json.loads(head)
        fonts = tuple(
            FormFont(one["name"], Path(one["path"]), one["changed"], tuple(one["planes"])) for one in form["fonts"]
        )
        return cls(Form(Path(form["root"]), form["template"], form["official_seal"], fonts), data.decode())


def _font(one: FormFont) -> dict[str, Any]:
    return asdict(one) | {"path": str(one.path)}


def frame(token: bytes, body: bytes) -> bytes:
    """A whole frame."""
    if len(body) > LARGEST_BODY:
        raise BrokenFrame("too large")
    return HEAD.pack(len(body), token) + body


def head(raw: bytes) -> tuple[int, bytes]:
    """Length of the body and token."""
    length, token = HEAD.unpack(raw)
    if length > LARGEST_BODY:
        raise BrokenFrame("too large")
    return length, token


def page_of(answer: bytes) -> bytes:
    """The PDF of an answer, or the error that it stands for."""
    kind, rest = answer[:1], answer[1:]
    if kind == DRAWN:
        return rest
    raise _error(kind, rest.decode("ascii", "replace"))


def _error(kind: bytes, field: str) -> IssueRefused | CheckFailed | ConfigurationError:
    if kind == BEYOND_LIMIT:
        return beyond_limit(field)
    if kind == NOT_COMPILED:
        return CheckFailed("the template could not be compiled with this data")
    if kind == MISCONFIGURED:
        return ConfigurationError("a renderer can't use the form's fonts", Place(field))
    raise BrokenFrame("an answer of no known kind")

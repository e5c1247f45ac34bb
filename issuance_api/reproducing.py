"""Making a certificate again from the log (再現): the same record, form and fonts give the same bytes, or it is said why not.

The bytes prove what was issued; they are given to the caller and kept nowhere.
"""

from __future__ import annotations

import hashlib

from issuance_api import issue_record
from issuance_api.model import KOSEKI_KINDS, Kind
from issuance_api.rendering import Renderer, versions
from municipalities.registry import get
from records.errors import CheckFailed
from replica.issued import Issued, issued


def reproduce(code: str, number: str) -> tuple[Issued, bytes]:
    """The issue and its PDF again, by 申請番号 or 発行番号.

    Raises ``CheckFailed`` when nothing was made for it, when another form or font is installed now, or when the bytes
    differ, and ``FeedError`` for an unknown number.
    """
    found = issued(code, number)
    if found.pdf_sha256 is None:
        raise CheckFailed("no certificate was made for this request")
    if Kind(found.kind) in KOSEKI_KINDS:
        raise CheckFailed("the family-register system made this certificate; only its hash is kept here")
    if found.cipher is None:
        raise CheckFailed("the record of this issue is no longer kept")
    municipality = get(code)
    _check_versions(found, versions(municipality.folder).form, versions(municipality.folder).font)
    pdf = Renderer().render(municipality, issue_record.unseal(found.request_id, found.cipher))
    if hashlib.sha256(pdf).hexdigest() != found.pdf_sha256:
        raise CheckFailed("the bytes differ from those that were issued")
    return found, pdf


def _check_versions(found: Issued, form: str, font: str) -> None:
    pairs = {"form": (found.form_version, form), "font": (found.font_version, font)}
    other = [name for name, (then, now) in pairs.items() if then != now]
    if other:
        raise CheckFailed(f"made with another version of: {', '.join(other)}; use the release of that day")

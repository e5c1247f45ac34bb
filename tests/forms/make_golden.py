"""Draws the golden pages anew after a wanted change of a form; look at every picture before it is committed.

Run ``PYTHONPATH=. python tests/forms/make_golden.py``.
"""

from __future__ import annotations

import json

from drawn import GOLDEN, drawn_list, pictures
from fictional_people import golden_pages

from issuance_api.rendering import Renderer
from municipalities.registry import get


def main() -> None:
    """Write ``<name>.json`` (one drawn object a line) and ``<name>-<page>.png`` for each golden certificate."""
    GOLDEN.mkdir(exist_ok=True)
    renderer = Renderer()
    for name, (code, page) in golden_pages().items():
        pdf = renderer.render(get(code), page)
        lines = (json.dumps(entry, ensure_ascii=False) for entry in drawn_list(pdf))
        (GOLDEN / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
        for number, picture in enumerate(pictures(pdf), 1):
            picture.quantize(16).save(GOLDEN / f"{name}-{number}.png", optimize=True)


if __name__ == "__main__":
    main()

"""``./utsushi lookup``: staff look people up by name; 高 finds 髙, 辺 finds 邊 and 邉. Every look is recorded."""

from __future__ import annotations

import argparse
import getpass
from dataclasses import asdict

from command_line.output import Output
from records.code_lists import label
from records.errors import UtsushiError


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``lookup``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    parser.add_argument("--name", help="a part of 氏名, 旧氏, 通称 or the roman name, in any shape of its characters")
    parser.add_argument("--kana", help="a part of the 振り仮名, in any kana")
    parser.add_argument("--by", default=getpass.getuser(), help="who looks (default: the user of this terminal)")


def run(options: argparse.Namespace, output: Output) -> int:
    """Print who was found; exit 1 when nobody was."""
    from gaiji_maps.folding import pattern
    from replica import lookup

    if not (options.name or options.kana):
        raise UtsushiError("give --name or --kana")
    try:
        name, kana = (pattern(one) if one else None for one in (options.name, options.kana))
    except ValueError as error:
        raise UtsushiError(str(error)) from None
    found = lookup.find(options.municipality, name=name, kana=kana, actor=options.by)
    rows = [asdict(one) | {"resident_status": label("resident_status", one.resident_status)} for one in found]
    output.rows(f"{len(found)} people" + (" (there may be more)" if len(found) == lookup.MOST else ""), rows)
    return 0 if found else 1

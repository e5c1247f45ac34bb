"""``python -m issuance_api.release``: make what this host has installed the current versions of every municipality.

Run once at each installation, by the host that prepares the databases; nodes that have anything else stop issuing.
"""

from __future__ import annotations

import sys

from issuance_api.installed import installed
from municipalities.registry import all_codes, get
from records.errors import UtsushiError
from replica import releases

BY = "installation"


def publish(code: str, by: str = BY) -> list[str]:
    """Publish for one municipality; the components that changed."""
    return releases.publish(code, installed(get(code)), by)


def main() -> int:
    """Publish for all; one town's trouble is not the others'."""
    failed = False
    for code in all_codes():
        try:
            changed = publish(code)
        except UtsushiError as error:
            print(f"{code}: {error}", file=sys.stderr)
            failed = True
        else:
            print(f"{code}: {', '.join(changed) or 'nothing new'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m simulators.centre``: makes the simulated centre's certificates and announces them in ``site.toml``; then ends.

Run before the issuing nodes start. What the centre asks is asked by the commands that play the kiosk.
"""

from __future__ import annotations

from municipalities.registry import all_codes
from simulators.centre.certificates import prepare

if __name__ == "__main__":
    prepare(all_codes())

"""As whom PostgreSQL runs: it refuses uid 0, so for root a user namespace or another account is found.

Only the choice lives here; ``services.postgres`` starts the programs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.errors import ConfigurationError

ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Launcher:
    """How to start a program of PostgreSQL: a prefix of the command, or another account (``uid``, ``gid``)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def identity(self) -> dict[str, Any]:
        """Arguments for ``subprocess``."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, *paths: Path) -> None:
        """Give ``paths`` to the account that will use them."""
        if self.uid is not None and self.gid is not None:
            for path in paths:
                os.chown(path, self.uid, self.gid)


def launcher(needed: Iterable[Path]) -> Launcher:
    """The way that works here for a program that must reach ``needed``; ``ConfigurationError`` says what to change."""
    if os.geteuid() != 0:
        return Launcher()
    return _namespace() or _account(list(needed)) or _refuse()


def _namespace() -> Launcher | None:
    """A user namespace in which we are an ordinary user: files stay ours, folders of mode 0700 stay reachable."""
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") is None or not _succeeds([*prefix, "true"]):
        return None
    return Launcher(prefix)


def _account(needed: list[Path]) -> Launcher | None:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        found = Launcher((), entry.pw_uid, entry.pw_gid)
        if all(_succeeds(["test", "-e", str(path)], **found.identity()) for path in needed):
            return found
    return None


def _refuse() -> Launcher:
    raise ConfigurationError(
        "PostgreSQL does not run as root, and neither a user namespace (unshare --user) nor the accounts "
        f"{' or '.join(ACCOUNTS)} can reach its folders: start Utsushi as an ordinary user"
    )


def _succeeds(command: list[str], **identity: Any) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, **identity).returncode == 0
    except OSError:
        return False

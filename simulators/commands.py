"""Telling the running simulation what to do, through its folder of commands."""

from __future__ import annotations

import json
import os
import secrets
import time
from typing import Any

from records.errors import TransferError, UtsushiError
from simulators.settings import folder


def give(command: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
    """Give one command (see ``simulators.run``) and wait for the answer; ``UtsushiError`` when it is refused."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    path = folder() / "commands" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(command), "utf-8")
    os.replace(part, path)
    done, deadline = path.with_suffix(".done"), time.monotonic() + seconds
    while not done.exists():
        if time.monotonic() > deadline:
            raise TransferError("the fictional vendors do not answer")
        time.sleep(0.05)
    answer: dict[str, Any] = json.loads(done.read_text("utf-8"))
    done.unlink()
    if "error" in answer:
        raise UtsushiError(f"the fictional vendors refuse the command: {answer['error']}")
    return answer

"""One renderer: ``python -m issuance_api.renderer FD`` draws what comes over the socket, one job after the other.

It has no database, no secret and no log: what it is told it draws and forgets. It ends with its node.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys

import typst

from issuance_api.compiling import Compiler, without_values
from issuance_api.memory import leave_nothing_behind
from issuance_api.renderer.frames import (
    BEYOND_LIMIT,
    DRAWN,
    HEAD,
    MISCONFIGURED,
    NOT_COMPILED,
    Job,
    frame,
    head,
)
from records.errors import ConfigurationError, UtsushiError

PR_SET_PDEATHSIG = 1  # linux/prctl.h
MOST_MEMORY = 4 * 1024**3  # bytes of address space: fonts are mapped, a page needs some megabytes


def main() -> None:
    """Serve until the node closes the socket."""
    _confine()
    compiler = Compiler()
    with socket.socket(fileno=int(sys.argv[1])) as node, node.makefile("rb") as jobs:
        while start := jobs.read(HEAD.size):
            length, token = head(start)
            node.sendall(frame(token, _answer(compiler, Job.decode(jobs.read(length)))))


def _confine() -> None:
    """No core dump and no debugger sees a page; too much memory ends this process only; it ends when its node does."""
    leave_nothing_behind()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the node's business, which finishes what it has accepted
    if os.getppid() == 1:  # the node died before the line above
        sys.exit(1)


def _answer(compiler: Compiler, job: Job) -> bytes:
    try:
        return DRAWN + compiler.compile(job.form, job.data)
    except typst.TypstError as error:
        failure: UtsushiError = without_values(error)
    except ConfigurationError as error:
        return MISCONFIGURED + str(error.place).encode()
    except UtsushiError as error:
        failure = error
    field = failure.place.field or ""
    return (BEYOND_LIMIT if failure.code == "text_beyond_limit" else NOT_COMPILED) + field.encode()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the node has gone
        main()

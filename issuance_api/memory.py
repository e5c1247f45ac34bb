"""What a process that holds certificates leaves behind (メモリの保護): no core dump, and no other process looks into it.

Nothing of a certificate is written to a file by us; here the kernel is told not to write one either. Swap is the host's:
none, or encrypted.
"""

from __future__ import annotations

import ctypes
import os
import resource

PR_SET_DUMPABLE = 4  # linux/prctl.h


def leave_nothing_behind() -> None:
    """For this process and, as to the size of core dumps, those that it starts. ``OSError`` when the kernel refuses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A program that takes core dumps over a pipe is not bound by the limit, but by this; debuggers are, too.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

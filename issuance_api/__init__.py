"""Issuing certificates (証明書の交付): the ASGI app, its rules, rendering and the check before anything leaves.

SQL is in ``repository`` only; templates are in ``forms/``; the register is read, never written. A certificate lives in
the memory of the request that made it: no file, no cache, no shared buffer.
"""

"""Loading: stage by COPY, one set-based merge, ledger and last applied number in the same transaction, then verify.

What the tables are is ``replica``'s matter; what a good row is, ``expectations``'.
"""

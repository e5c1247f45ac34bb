"""The command line behind ``./utsushi``: parses arguments, calls a room, prints a table or JSON lines.

No logic of the product lives here. Every command has ``--help`` and ``--json`` (one object a line) and exits 0 only
when all is well, 1 when something is wrong, 2 when it was called wrongly.
"""

"""Vendors' systems: rows of the truth → exchange files in each vendor's own format, whole or broken on demand."""

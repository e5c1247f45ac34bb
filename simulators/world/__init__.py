"""Fictional towns: people, households, seals, tax, and what happens to them. The truth that the replica must equal."""

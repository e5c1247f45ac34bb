"""Figures against peers and limits, measured in one run; speed is never a test's business.

Each module has ``run(say) -> list[Figure]``. Ratios are of things measured in the same run on the same machine.
"""

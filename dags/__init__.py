"""Airflow's DAGs: they wire the steps of ``sync`` for each municipality and feed, and hold no logic.

Files with DAGs are found by Airflow; ``flow`` and ``failures`` are only imported by them (see ``.airflowignore``).
"""

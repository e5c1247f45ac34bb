"""What the DAG files ask the registry, in a way that one town's broken settings cannot hide the other towns.

A broken town keeps its DAGs, under its bare code: their first task raises what is wrong, every five minutes, in red.
"""

from __future__ import annotations

from collections.abc import Iterator

from airflow.sdk import Param

from municipalities.registry import Municipality, all_codes, get
from records.batch import FEEDS

FEED_NAMES = {"resident": "住民記録", "seal": "印鑑登録", "tax": "個人住民税"}


def known_feeds() -> Iterator[tuple[str, str]]:
    """Municipality code and feed of every DAG that there must be."""
    for code in all_codes():
        town = _readable(code)
        for feed in town.feeds if town else FEEDS:
            yield code, feed


def name_of(code: str) -> str:
    """The municipality's name; its code where the settings can't be read."""
    town = _readable(code)
    return town.name if town else code


def feed_form() -> dict[str, Param]:
    """The fields of a form that ask for a municipality and a feed."""
    towns = {code: f"{code} {name_of(code)}" for code in all_codes()}
    return {
        "municipality": Param(type="string", enum=list(towns), values_display=towns, title="団体"),
        "feed": Param(type="string", enum=list(FEED_NAMES), values_display=FEED_NAMES, title="業務"),
    }


def _readable(code: str) -> Municipality | None:
    try:
        town = get(code)
    except Exception:  # any mistake in the file; the DAG's first task raises it where it is seen
        return None
    return town if set(town.feeds) <= set(FEEDS) else None

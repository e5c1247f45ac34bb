"""The soak (耐久試験): ``soaking`` runs it, the other modules are its town, its traffic, its troubles and its judges."""

from benchmarks.soak.soaking import run

__all__ = ["run"]

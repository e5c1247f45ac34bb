"""``./utsushi test``: lint, types, import rules and every test, the same in continuous integration."""

from __future__ import annotations

import argparse
import subprocess
import sys

from command_line.output import Output
from municipalities.site import CHECKOUT

PACKAGES = (
    "records", "municipalities", "vendor_layouts", "extractors", "transforms", "gaiji_maps", "expectations", "loaders",
    "replica", "sync", "services", "issuance_api", "simulators", "command_line", "benchmarks", "dags",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``test``."""
    parser.add_argument("--only", choices=("lint", "types", "imports", "tests"), help="one of the four alone")
    parser.add_argument("pytest", nargs=argparse.REMAINDER, help="arguments for pytest, after --")


def run(options: argparse.Namespace, output: Output) -> int:
    """Run all four, the tests last (their closing line ends the output); exit 1 when any failed."""
    failed = []
    for name, command in _commands([one for one in options.pytest if one != "--"]).items():
        if options.only in (None, name):
            output.say(f"── {name}")
            if subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0:
                failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _commands(pytest_arguments: list[str]) -> dict[str, list[str]]:
    python = sys.executable
    return {
        "lint": [python, "-m", "ruff", "check", "."],
        "types": [python, "-m", "mypy", *PACKAGES],
        "imports": [python, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        "tests": [python, "-m", "pytest", *pytest_arguments],
    }

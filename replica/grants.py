"""Who may do what inside a replica database (least privilege); everything that is not listed is forbidden.

The owner migrates; the loader writes the registers; the issuer reads them and writes requests; the console reads
everything and writes what staff enter.
"""

from __future__ import annotations

READ = "select"
WRITE = "select, insert, update, delete"
ENTER = "select, insert, update"
# Staff enter rows whole and then change only what an act of theirs changes.
CARDS = "select, insert, update (status, issuer_sha256, changed_at, changed_by, change_reason)"
HOLDS = "select, insert, update (lifted_by, lifted_at, lift_reason)"
DECIDE = "select, update (state, decided_by, decided_at, reason, usable_from, stopped_by, stopped_at, stop_reason)"
INVESTIGATE = "select, update (cause, finding, closed_by, closed_at)"

GRANTS: dict[str, dict[str, str]] = {
    "replica.resident": {"loader": WRITE, "issuer": READ, "console": READ},
    "replica.seal": {"loader": WRITE, "issuer": READ, "console": READ},
    "replica.tax": {"loader": WRITE, "issuer": READ, "console": READ},
    "replica.household": {"issuer": READ, "console": READ},
    "replica.feed_state": {"loader": ENTER, "issuer": READ, "console": READ},
    "replica.batch": {"loader": ENTER, "console": READ},
    "replica.quarantine": {"loader": ENTER, "console": READ},
    "replica.withheld": {"loader": WRITE, "issuer": READ, "console": READ},
    "replica.removed": {"loader": WRITE},
    "issuance.request": {"issuer": ENTER, "console": READ},
    "issuance.issue_log": {"issuer": "select, insert", "console": READ},
    "issuance.issue_record": {"issuer": "select, insert", "console": READ},
    "issuance.incident": {"issuer": "select, insert, update (reprinted_at)", "console": INVESTIGATE},
    "issuance.incident_note": {"console": "select, insert"},
    "issuance.challenge": {"issuer": WRITE},
    "issuance.node": {"issuer": ENTER, "console": READ},
    "issuance.release": {"issuer": READ, "console": READ},
    "staff.card": {"issuer": READ, "console": CARDS},
    "staff.card_history": {"console": READ},
    "staff.issuance_hold": {"issuer": READ, "console": HOLDS},
    "staff.access_log": {"console": "select, insert"},
    "staff.registration": {"issuer": "select, insert", "console": DECIDE},
}
FUNCTIONS: dict[str, dict[str, str]] = {
    "issuance.lock_keys(text[])": {"issuer": "execute", "console": "execute"},
    "issuance.keys_of(text[], text[])": {"issuer": "execute"},
}
SEQUENCES: dict[str, dict[str, str]] = {"issuance.issue_serial": {"issuer": "usage"}}


def statements(role_names: dict[str, str]) -> list[str]:
    """Statements for one database; ``role_names`` maps owner, loader, issuer, console to the municipality's roles.

    They first take everything away, so that a privilege that is no longer listed goes too.
    """
    others = [name for role, name in role_names.items() if role != "owner"]
    schemas = sorted({table.partition(".")[0] for table in GRANTS})
    result = []
    for schema in schemas:
        for name in others:
            result += [
                f"revoke all on all tables in schema {schema} from {name}",
                f"revoke all on all sequences in schema {schema} from {name}",
                f"grant usage on schema {schema} to {name}",
            ]
        result.append(f"revoke execute on all functions in schema {schema} from public")
    for kind, granted in (("table", GRANTS), ("sequence", SEQUENCES), ("function", FUNCTIONS)):
        for target, roles in granted.items():
            result += [f"grant {what} on {kind} {target} to {role_names[role]}" for role, what in roles.items()]
    return result

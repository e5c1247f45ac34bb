ALTER TABLE issuance.incident DROP CONSTRAINT incident_kind_check;
ALTER TABLE issuance.incident ADD CONSTRAINT incident_kind_check CHECK (kind in ('print_error', 'aborted', 'check_failed', 'koseki_mismatch', 'koseki_hostile', 'timeout'));

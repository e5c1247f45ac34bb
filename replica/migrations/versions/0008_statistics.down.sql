ALTER TABLE issuance.request DROP COLUMN applicant_age;
ALTER TABLE issuance.request DROP COLUMN copies;

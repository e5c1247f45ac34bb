-- What statistics of issuing count. Frozen: a change is a new revision.

ALTER TABLE issuance.request ADD COLUMN copies INTEGER DEFAULT 1 NOT NULL;
ALTER TABLE issuance.request ADD COLUMN applicant_age INTEGER;

COMMENT ON COLUMN issuance.request.copies IS '部数';
COMMENT ON COLUMN issuance.request.applicant_age IS '申請者の年齢（交付の日現在、統計用）';

-- Requests and their log, cards, holds. Frozen: a change is a new revision.

create schema if not exists issuance;

create schema if not exists staff;

CREATE SEQUENCE issuance.issue_serial;

CREATE TABLE issuance.request (
    request_id TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,
    options JSONB NOT NULL,
    card_serial TEXT,
    addressee_number TEXT,
    household_number TEXT,
    store_code TEXT,
    prefecture_code TEXT,
    state TEXT NOT NULL,
    result_code TEXT,
    accepted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    eligible_at TIMESTAMP WITH TIME ZONE,
    rendered_at TIMESTAMP WITH TIME ZONE,
    checked_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    serial_number BIGINT,
    issued_on DATE,
    pdf_sha256 TEXT,
    page_count INTEGER,
    form_version TEXT,
    font_version TEXT,
    record_sha256 TEXT,
    CONSTRAINT request_pkey PRIMARY KEY (request_id),
    CONSTRAINT request_state_check CHECK (state in ('accepted', 'refused', 'eligible', 'rendered', 'checked', 'sent', 'printed', 'aborted', 'failed')),
    CONSTRAINT request_finished_check CHECK ((finished_at is not null) = (state in ('refused', 'printed', 'aborted', 'failed'))),
    CONSTRAINT request_proved_check CHECK (state not in ('sent', 'printed') or pdf_sha256 is not null),
    CONSTRAINT request_serial_number_key UNIQUE (serial_number)
);

CREATE INDEX request_accepted_at_idx ON issuance.request (accepted_at);

CREATE INDEX request_addressee_number_idx ON issuance.request (addressee_number);

COMMENT ON TABLE issuance.request IS '交付申請';
COMMENT ON COLUMN issuance.request.request_id IS '申請番号（証明書交付センターの番号）';
COMMENT ON COLUMN issuance.request.content_sha256 IS '申請内容のSHA-256';
COMMENT ON COLUMN issuance.request.kind IS '証明書の種類';
COMMENT ON COLUMN issuance.request.options IS '記載事項の選択';
COMMENT ON COLUMN issuance.request.card_serial IS '利用者証明用電子証明書の発行番号';
COMMENT ON COLUMN issuance.request.addressee_number IS '宛名番号';
COMMENT ON COLUMN issuance.request.household_number IS '世帯番号';
COMMENT ON COLUMN issuance.request.store_code IS '店舗コード';
COMMENT ON COLUMN issuance.request.prefecture_code IS '店舗の都道府県コード';
COMMENT ON COLUMN issuance.request.state IS '状態';
COMMENT ON COLUMN issuance.request.result_code IS '結果コード';
COMMENT ON COLUMN issuance.request.accepted_at IS '受付日時';
COMMENT ON COLUMN issuance.request.eligible_at IS '交付可否の確認日時';
COMMENT ON COLUMN issuance.request.rendered_at IS '作成日時';
COMMENT ON COLUMN issuance.request.checked_at IS '検査日時';
COMMENT ON COLUMN issuance.request.sent_at IS '送信日時';
COMMENT ON COLUMN issuance.request.finished_at IS '終了日時';
COMMENT ON COLUMN issuance.request.serial_number IS '発行番号';
COMMENT ON COLUMN issuance.request.issued_on IS '発行年月日';
COMMENT ON COLUMN issuance.request.pdf_sha256 IS '証明書PDFのSHA-256';
COMMENT ON COLUMN issuance.request.page_count IS '枚数';
COMMENT ON COLUMN issuance.request.form_version IS '様式の版';
COMMENT ON COLUMN issuance.request.font_version IS '書体の版';
COMMENT ON COLUMN issuance.request.record_sha256 IS '証明した記録のSHA-256';

create function issuance.check_transition() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'accepted' then
            raise exception 'a request starts as accepted' using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if (new.request_id, new.content_sha256, new.kind, new.options, new.accepted_at)
        is distinct from (old.request_id, old.content_sha256, old.kind, old.options, old.accepted_at) then
        raise exception 'what was asked for does not change' using errcode = 'check_violation';
    end if;
    if old.addressee_number is not null and new.addressee_number is distinct from old.addressee_number then
        raise exception 'the person of a request does not change' using errcode = 'check_violation';
    end if;
    if old.pdf_sha256 is not null and new.pdf_sha256 is distinct from old.pdf_sha256 then
        raise exception 'the certificate of a request does not change' using errcode = 'check_violation';
    end if;
    if new.state <> old.state and (old.state, new.state) not in (('accepted', 'refused'), ('accepted', 'eligible'), ('accepted', 'failed'), ('eligible', 'rendered'), ('eligible', 'failed'), ('rendered', 'checked'), ('rendered', 'failed'), ('checked', 'sent'), ('checked', 'failed'), ('sent', 'printed'), ('sent', 'aborted'), ('sent', 'failed')) then
        raise exception 'no such move between states' using errcode = 'check_violation';
    end if;
    return new;
end
$$;

create trigger request_check_transition before insert or update on issuance.request for each row execute function issuance.check_transition();

CREATE TABLE staff.card (
    serial TEXT NOT NULL,
    addressee_number TEXT NOT NULL,
    status TEXT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE,
    linked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT card_pkey PRIMARY KEY (serial),
    CONSTRAINT card_status_check CHECK (status in ('active', 'suspended', 'unlinked'))
);

CREATE INDEX card_addressee_number_idx ON staff.card (addressee_number);

COMMENT ON TABLE staff.card IS '個人番号カードと宛名番号の紐付け';
COMMENT ON COLUMN staff.card.serial IS '利用者証明用電子証明書の発行番号';
COMMENT ON COLUMN staff.card.addressee_number IS '宛名番号';
COMMENT ON COLUMN staff.card.status IS '状態';
COMMENT ON COLUMN staff.card.valid_from IS '有効期間の開始';
COMMENT ON COLUMN staff.card.valid_until IS '有効期間の満了';
COMMENT ON COLUMN staff.card.linked_at IS '紐付け日時';
COMMENT ON COLUMN staff.card.changed_at IS '状態変更日時';

CREATE TABLE staff.issuance_hold (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    target_kind TEXT NOT NULL,
    addressee_number TEXT,
    registered_domicile TEXT,
    family_register_head TEXT,
    reason TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    lifted_by TEXT,
    lifted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT issuance_hold_pkey PRIMARY KEY (id),
    CONSTRAINT issuance_hold_target_kind_check CHECK (target_kind in ('person', 'family_register')),
    CONSTRAINT issuance_hold_target_check CHECK (case target_kind when 'person' then addressee_number is not null else addressee_number is not null or registered_domicile is not null end)
);

CREATE INDEX issuance_hold_open_idx ON staff.issuance_hold (addressee_number) WHERE lifted_at IS NULL;

COMMENT ON TABLE staff.issuance_hold IS '発行抑止';
COMMENT ON COLUMN staff.issuance_hold.id IS '識別番号';
COMMENT ON COLUMN staff.issuance_hold.target_kind IS '抑止対象の別';
COMMENT ON COLUMN staff.issuance_hold.addressee_number IS '宛名番号';
COMMENT ON COLUMN staff.issuance_hold.registered_domicile IS '本籍';
COMMENT ON COLUMN staff.issuance_hold.family_register_head IS '筆頭者';
COMMENT ON COLUMN staff.issuance_hold.reason IS '抑止の理由';
COMMENT ON COLUMN staff.issuance_hold.placed_by IS '抑止した職員';
COMMENT ON COLUMN staff.issuance_hold.placed_at IS '抑止日時';
COMMENT ON COLUMN staff.issuance_hold.lifted_by IS '解除した職員';
COMMENT ON COLUMN staff.issuance_hold.lifted_at IS '解除日時';

CREATE TABLE issuance.issue_log (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    request_id TEXT NOT NULL,
    state TEXT NOT NULL,
    result_code TEXT,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT issue_log_pkey PRIMARY KEY (id),
    CONSTRAINT issue_log_state_check CHECK (state in ('accepted', 'refused', 'eligible', 'rendered', 'checked', 'sent', 'printed', 'aborted', 'failed')),
    CONSTRAINT issue_log_request_id_fkey FOREIGN KEY(request_id) REFERENCES issuance.request (request_id)
);

CREATE INDEX issue_log_request_id_idx ON issuance.issue_log (request_id);

COMMENT ON TABLE issuance.issue_log IS '発行記録（状態が移るたびに一行、追記のみ）';
COMMENT ON COLUMN issuance.issue_log.id IS '識別番号';
COMMENT ON COLUMN issuance.issue_log.request_id IS '申請番号';
COMMENT ON COLUMN issuance.issue_log.state IS '移った先の状態';
COMMENT ON COLUMN issuance.issue_log.result_code IS '結果コード';
COMMENT ON COLUMN issuance.issue_log.at IS '日時';

create function issuance.log_transition() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.state <> old.state then
        insert into issuance.issue_log (request_id, state, result_code)
        values (new.request_id, new.state, new.result_code);
    end if;
    return null;
end
$$;

create trigger request_log_transition after insert or update on issuance.request for each row execute function issuance.log_transition();

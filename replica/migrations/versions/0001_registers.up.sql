-- Registers (resident, seal, tax) and the household view. Frozen: a change is a new revision.

create schema if not exists replica;

CREATE TABLE replica.resident (
    addressee_number TEXT NOT NULL,
    household_number TEXT NOT NULL,
    resident_record_code TEXT,
    individual_number TEXT,
    resident_kind TEXT NOT NULL,
    resident_status TEXT NOT NULL,
    name TEXT NOT NULL,
    name_roman TEXT,
    name_kana TEXT,
    former_surname TEXT,
    former_surname_kana TEXT,
    common_name TEXT,
    common_name_kana TEXT,
    birth_on DATE,
    birth_on_certainty TEXT NOT NULL,
    birth_text TEXT NOT NULL,
    sex TEXT NOT NULL,
    relationship_codes TEXT NOT NULL,
    relationship_text TEXT NOT NULL,
    householder_name TEXT NOT NULL,
    address_prefecture TEXT NOT NULL,
    address_municipality TEXT NOT NULL,
    address_town TEXT,
    address_lot_number TEXT,
    katagaki TEXT,
    postal_code TEXT,
    address_settled_on DATE,
    address_settled_on_certainty TEXT,
    address_settled_text TEXT,
    became_resident_on DATE,
    became_resident_on_certainty TEXT,
    became_resident_text TEXT,
    address_before_move_in TEXT,
    previous_address TEXT,
    registered_domicile TEXT,
    family_register_head TEXT,
    nationality TEXT,
    residence_status TEXT,
    residence_period TEXT,
    residence_period_ends_on DATE,
    residence_period_ends_on_certainty TEXT,
    residence_period_ends_text TEXT,
    residence_card_number TEXT,
    article_30_45_kind TEXT,
    change_reason TEXT NOT NULL,
    changed_on DATE,
    changed_on_certainty TEXT NOT NULL,
    changed_text TEXT NOT NULL,
    filed_on DATE,
    filed_on_certainty TEXT,
    filed_text TEXT,
    move_out_planned_on DATE,
    move_out_planned_on_certainty TEXT,
    move_out_planned_text TEXT,
    removed_on DATE,
    removed_on_certainty TEXT,
    removed_text TEXT,
    support_measure TEXT NOT NULL,
    issuance_stop TEXT NOT NULL,
    applied_sequence BIGINT NOT NULL,
    applied_row BIGINT NOT NULL,
    content_hash BYTEA NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT resident_pkey PRIMARY KEY (addressee_number)
);

CREATE INDEX resident_household_number_idx ON replica.resident (household_number);

COMMENT ON TABLE replica.resident IS '住民';
COMMENT ON COLUMN replica.resident.addressee_number IS '宛名番号';
COMMENT ON COLUMN replica.resident.household_number IS '世帯番号';
COMMENT ON COLUMN replica.resident.resident_record_code IS '住民票コード';
COMMENT ON COLUMN replica.resident.individual_number IS '個人番号';
COMMENT ON COLUMN replica.resident.resident_kind IS '住民種別';
COMMENT ON COLUMN replica.resident.resident_status IS '住民状態';
COMMENT ON COLUMN replica.resident.name IS '氏名';
COMMENT ON COLUMN replica.resident.name_roman IS '氏名ローマ字';
COMMENT ON COLUMN replica.resident.name_kana IS '氏名の振り仮名';
COMMENT ON COLUMN replica.resident.former_surname IS '旧氏';
COMMENT ON COLUMN replica.resident.former_surname_kana IS '旧氏の振り仮名';
COMMENT ON COLUMN replica.resident.common_name IS '通称';
COMMENT ON COLUMN replica.resident.common_name_kana IS '通称の振り仮名';
COMMENT ON COLUMN replica.resident.birth_on IS '生年月日';
COMMENT ON COLUMN replica.resident.birth_on_certainty IS '生年月日（不詳の別）';
COMMENT ON COLUMN replica.resident.birth_text IS '生年月日（表示）';
COMMENT ON COLUMN replica.resident.sex IS '性別';
COMMENT ON COLUMN replica.resident.relationship_codes IS '続柄コード';
COMMENT ON COLUMN replica.resident.relationship_text IS '続柄';
COMMENT ON COLUMN replica.resident.householder_name IS '世帯主の氏名';
COMMENT ON COLUMN replica.resident.address_prefecture IS '住所都道府県';
COMMENT ON COLUMN replica.resident.address_municipality IS '住所市区郡町村';
COMMENT ON COLUMN replica.resident.address_town IS '住所町字';
COMMENT ON COLUMN replica.resident.address_lot_number IS '住所番地号表記';
COMMENT ON COLUMN replica.resident.katagaki IS '方書';
COMMENT ON COLUMN replica.resident.postal_code IS '郵便番号';
COMMENT ON COLUMN replica.resident.address_settled_on IS '住定日';
COMMENT ON COLUMN replica.resident.address_settled_on_certainty IS '住定日（不詳の別）';
COMMENT ON COLUMN replica.resident.address_settled_text IS '住定日（表示）';
COMMENT ON COLUMN replica.resident.became_resident_on IS '住民となった日';
COMMENT ON COLUMN replica.resident.became_resident_on_certainty IS '住民となった日（不詳の別）';
COMMENT ON COLUMN replica.resident.became_resident_text IS '住民となった日（表示）';
COMMENT ON COLUMN replica.resident.address_before_move_in IS '転入前住所';
COMMENT ON COLUMN replica.resident.previous_address IS '異動前住所';
COMMENT ON COLUMN replica.resident.registered_domicile IS '本籍';
COMMENT ON COLUMN replica.resident.family_register_head IS '筆頭者';
COMMENT ON COLUMN replica.resident.nationality IS '国籍・地域';
COMMENT ON COLUMN replica.resident.residence_status IS '在留資格';
COMMENT ON COLUMN replica.resident.residence_period IS '在留期間';
COMMENT ON COLUMN replica.resident.residence_period_ends_on IS '在留期間の満了の日';
COMMENT ON COLUMN replica.resident.residence_period_ends_on_certainty IS '在留期間の満了の日（不詳の別）';
COMMENT ON COLUMN replica.resident.residence_period_ends_text IS '在留期間の満了の日（表示）';
COMMENT ON COLUMN replica.resident.residence_card_number IS '在留カード等の番号';
COMMENT ON COLUMN replica.resident.article_30_45_kind IS '第30条の45に規定する区分';
COMMENT ON COLUMN replica.resident.change_reason IS '異動事由';
COMMENT ON COLUMN replica.resident.changed_on IS '異動年月日';
COMMENT ON COLUMN replica.resident.changed_on_certainty IS '異動年月日（不詳の別）';
COMMENT ON COLUMN replica.resident.changed_text IS '異動年月日（表示）';
COMMENT ON COLUMN replica.resident.filed_on IS '届出年月日';
COMMENT ON COLUMN replica.resident.filed_on_certainty IS '届出年月日（不詳の別）';
COMMENT ON COLUMN replica.resident.filed_text IS '届出年月日（表示）';
COMMENT ON COLUMN replica.resident.move_out_planned_on IS '転出予定年月日';
COMMENT ON COLUMN replica.resident.move_out_planned_on_certainty IS '転出予定年月日（不詳の別）';
COMMENT ON COLUMN replica.resident.move_out_planned_text IS '転出予定年月日（表示）';
COMMENT ON COLUMN replica.resident.removed_on IS '消除年月日';
COMMENT ON COLUMN replica.resident.removed_on_certainty IS '消除年月日（不詳の別）';
COMMENT ON COLUMN replica.resident.removed_text IS '消除年月日（表示）';
COMMENT ON COLUMN replica.resident.support_measure IS '支援措置';
COMMENT ON COLUMN replica.resident.issuance_stop IS '発行停止';
COMMENT ON COLUMN replica.resident.applied_sequence IS '最後に反映した連番';
COMMENT ON COLUMN replica.resident.applied_row IS '連携ファイル内の行番号';
COMMENT ON COLUMN replica.resident.content_hash IS '内容のSHA-256';
COMMENT ON COLUMN replica.resident.updated_at IS '反映日時';

create view replica.household as
select h.household_number,
    h.addressee_number as householder_addressee_number,
    h.name as householder_name,
    h.address_prefecture,
    h.address_municipality,
    h.address_town,
    h.address_lot_number,
    h.katagaki,
    (select count(*) from replica.resident m
      where m.household_number = h.household_number and m.resident_status = '1') as member_count
from replica.resident h
where h.relationship_codes = '02' and h.resident_status = '1';

comment on view replica.household is '世帯';
comment on column replica.household.household_number is '世帯番号';
comment on column replica.household.householder_addressee_number is '世帯主の宛名番号';
comment on column replica.household.householder_name is '世帯主の氏名';
comment on column replica.household.address_prefecture is '住所都道府県';
comment on column replica.household.address_municipality is '住所市区郡町村';
comment on column replica.household.address_town is '住所町字';
comment on column replica.household.address_lot_number is '住所番地号表記';
comment on column replica.household.katagaki is '方書';
comment on column replica.household.member_count is '世帯員数（消除者を除く）';

CREATE TABLE replica.seal (
    addressee_number TEXT NOT NULL,
    registration_number TEXT NOT NULL,
    seal_status TEXT NOT NULL,
    registered_on DATE,
    registered_on_certainty TEXT NOT NULL,
    registered_text TEXT NOT NULL,
    cancelled_on DATE,
    cancelled_on_certainty TEXT,
    cancelled_text TEXT,
    cancel_reason TEXT,
    name_form TEXT NOT NULL,
    impression BYTEA NOT NULL,
    applied_sequence BIGINT NOT NULL,
    applied_row BIGINT NOT NULL,
    content_hash BYTEA NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT seal_pkey PRIMARY KEY (addressee_number)
);

COMMENT ON TABLE replica.seal IS '印鑑登録';
COMMENT ON COLUMN replica.seal.addressee_number IS '宛名番号';
COMMENT ON COLUMN replica.seal.registration_number IS '印鑑登録番号';
COMMENT ON COLUMN replica.seal.seal_status IS '印鑑登録状態';
COMMENT ON COLUMN replica.seal.registered_on IS '登録年月日';
COMMENT ON COLUMN replica.seal.registered_on_certainty IS '登録年月日（不詳の別）';
COMMENT ON COLUMN replica.seal.registered_text IS '登録年月日（表示）';
COMMENT ON COLUMN replica.seal.cancelled_on IS '廃止年月日';
COMMENT ON COLUMN replica.seal.cancelled_on_certainty IS '廃止年月日（不詳の別）';
COMMENT ON COLUMN replica.seal.cancelled_text IS '廃止年月日（表示）';
COMMENT ON COLUMN replica.seal.cancel_reason IS '廃止事由';
COMMENT ON COLUMN replica.seal.name_form IS '登録印氏名区分';
COMMENT ON COLUMN replica.seal.impression IS '印影';
COMMENT ON COLUMN replica.seal.applied_sequence IS '最後に反映した連番';
COMMENT ON COLUMN replica.seal.applied_row IS '連携ファイル内の行番号';
COMMENT ON COLUMN replica.seal.content_hash IS '内容のSHA-256';
COMMENT ON COLUMN replica.seal.updated_at IS '反映日時';

alter table replica.seal alter column impression set storage external;

CREATE TABLE replica.tax (
    addressee_number TEXT NOT NULL,
    fiscal_year BIGINT NOT NULL,
    filing_kind TEXT NOT NULL,
    address_on_january_1 TEXT NOT NULL,
    salary_receipts BIGINT,
    salary_income BIGINT,
    business_income BIGINT,
    farm_income BIGINT,
    real_estate_income BIGINT,
    interest_income BIGINT,
    dividend_income BIGINT,
    pension_receipts BIGINT,
    miscellaneous_income BIGINT,
    capital_gains_income BIGINT,
    occasional_income BIGINT,
    total_income BIGINT,
    casualty_loss_deduction BIGINT,
    medical_expense_deduction BIGINT,
    social_insurance_deduction BIGINT,
    small_enterprise_mutual_aid_deduction BIGINT,
    life_insurance_deduction BIGINT,
    earthquake_insurance_deduction BIGINT,
    disability_deduction BIGINT,
    widow_or_single_parent_deduction BIGINT,
    working_student_deduction BIGINT,
    spouse_deduction BIGINT,
    special_spouse_deduction BIGINT,
    dependant_deduction BIGINT,
    basic_deduction BIGINT,
    deductions_total BIGINT,
    taxable_income BIGINT,
    spouse_kind TEXT,
    general_dependants BIGINT,
    specific_dependants BIGINT,
    elderly_dependants BIGINT,
    dependants_under_16 BIGINT,
    disabled_dependants BIGINT,
    municipal_income_levy BIGINT,
    municipal_per_capita_levy BIGINT,
    prefectural_income_levy BIGINT,
    prefectural_per_capita_levy BIGINT,
    forest_environment_tax BIGINT,
    annual_tax BIGINT,
    issuance_stop TEXT NOT NULL,
    applied_sequence BIGINT NOT NULL,
    applied_row BIGINT NOT NULL,
    content_hash BYTEA NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tax_pkey PRIMARY KEY (addressee_number, fiscal_year)
);

COMMENT ON TABLE replica.tax IS '所得課税';
COMMENT ON COLUMN replica.tax.addressee_number IS '宛名番号';
COMMENT ON COLUMN replica.tax.fiscal_year IS '課税年度';
COMMENT ON COLUMN replica.tax.filing_kind IS '申告区分';
COMMENT ON COLUMN replica.tax.address_on_january_1 IS '1月1日現在の住所';
COMMENT ON COLUMN replica.tax.salary_receipts IS '給与収入金額';
COMMENT ON COLUMN replica.tax.salary_income IS '給与所得';
COMMENT ON COLUMN replica.tax.business_income IS '営業等所得';
COMMENT ON COLUMN replica.tax.farm_income IS '農業所得';
COMMENT ON COLUMN replica.tax.real_estate_income IS '不動産所得';
COMMENT ON COLUMN replica.tax.interest_income IS '利子所得';
COMMENT ON COLUMN replica.tax.dividend_income IS '配当所得';
COMMENT ON COLUMN replica.tax.pension_receipts IS '公的年金等収入金額';
COMMENT ON COLUMN replica.tax.miscellaneous_income IS '雑所得';
COMMENT ON COLUMN replica.tax.capital_gains_income IS '譲渡所得';
COMMENT ON COLUMN replica.tax.occasional_income IS '一時所得';
COMMENT ON COLUMN replica.tax.total_income IS '合計所得金額';
COMMENT ON COLUMN replica.tax.casualty_loss_deduction IS '雑損控除';
COMMENT ON COLUMN replica.tax.medical_expense_deduction IS '医療費控除';
COMMENT ON COLUMN replica.tax.social_insurance_deduction IS '社会保険料控除';
COMMENT ON COLUMN replica.tax.small_enterprise_mutual_aid_deduction IS '小規模企業共済等掛金控除';
COMMENT ON COLUMN replica.tax.life_insurance_deduction IS '生命保険料控除';
COMMENT ON COLUMN replica.tax.earthquake_insurance_deduction IS '地震保険料控除';
COMMENT ON COLUMN replica.tax.disability_deduction IS '障害者控除';
COMMENT ON COLUMN replica.tax.widow_or_single_parent_deduction IS '寡婦・ひとり親控除';
COMMENT ON COLUMN replica.tax.working_student_deduction IS '勤労学生控除';
COMMENT ON COLUMN replica.tax.spouse_deduction IS '配偶者控除';
COMMENT ON COLUMN replica.tax.special_spouse_deduction IS '配偶者特別控除';
COMMENT ON COLUMN replica.tax.dependant_deduction IS '扶養控除';
COMMENT ON COLUMN replica.tax.basic_deduction IS '基礎控除';
COMMENT ON COLUMN replica.tax.deductions_total IS '所得控除合計';
COMMENT ON COLUMN replica.tax.taxable_income IS '課税標準額';
COMMENT ON COLUMN replica.tax.spouse_kind IS '控除対象配偶者区分';
COMMENT ON COLUMN replica.tax.general_dependants IS '一般扶養親族数';
COMMENT ON COLUMN replica.tax.specific_dependants IS '特定扶養親族数';
COMMENT ON COLUMN replica.tax.elderly_dependants IS '老人扶養親族数';
COMMENT ON COLUMN replica.tax.dependants_under_16 IS '16歳未満扶養親族数';
COMMENT ON COLUMN replica.tax.disabled_dependants IS '障害者数';
COMMENT ON COLUMN replica.tax.municipal_income_levy IS '市町村民税所得割額';
COMMENT ON COLUMN replica.tax.municipal_per_capita_levy IS '市町村民税均等割額';
COMMENT ON COLUMN replica.tax.prefectural_income_levy IS '道府県民税所得割額';
COMMENT ON COLUMN replica.tax.prefectural_per_capita_levy IS '道府県民税均等割額';
COMMENT ON COLUMN replica.tax.forest_environment_tax IS '森林環境税額';
COMMENT ON COLUMN replica.tax.annual_tax IS '年税額';
COMMENT ON COLUMN replica.tax.issuance_stop IS '発行停止';
COMMENT ON COLUMN replica.tax.applied_sequence IS '最後に反映した連番';
COMMENT ON COLUMN replica.tax.applied_row IS '連携ファイル内の行番号';
COMMENT ON COLUMN replica.tax.content_hash IS '内容のSHA-256';
COMMENT ON COLUMN replica.tax.updated_at IS '反映日時';

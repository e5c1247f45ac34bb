"""The named results of a verification (検証結果) with their Japanese texts. No checks here."""

from __future__ import annotations

from issuance_api.refusals import Refused, refused

TEXTS = {
    "jpki_malformed": "電子証明書を読み取れませんでした。",
    "jpki_algorithm": "この電子証明書の暗号方式には対応していません。",
    "jpki_chain": "電子証明書の発行者を確認できませんでした。",
    "jpki_ca": "認証局の証明書が有効ではありません。",
    "jpki_test_card": "試験用の電子証明書は利用できません。",
    "jpki_expired": "電子証明書の有効期間が過ぎています。",
    "jpki_issued_today": "電子証明書は発行日の翌日からご利用いただけます。",
    "jpki_not_yet_valid": "電子証明書の有効期間が始まっていません。",
    "jpki_signing_certificate": "署名用電子証明書は利用できません。利用者証明用電子証明書をご利用ください。",
    "jpki_key_usage": "電子証明書の用途が利用者証明ではありません。",
    "jpki_policy": "利用者証明用電子証明書ではありません。",
    "jpki_extension": "電子証明書に対応していない項目があります。",
    "jpki_revoked": "電子証明書は失効しています。",
    "jpki_unknown": "電子証明書の発行を確認できませんでした。",
    "jpki_evidence_demanded": "本人確認の情報がありません。はじめからやり直してください。",
    "jpki_evidence_not_taken": "この方法での本人確認は行っていません。",
    "jpki_revocation_unavailable": "電子証明書の失効を確認できません。時間をおいてご利用ください。",
    "jpki_revocation_stale": "失効情報が古いため確認できません。時間をおいてご利用ください。",
    "jpki_revocation_invalid": "失効情報が正しくないため確認できません。時間をおいてご利用ください。",
    "jpki_revocation_part": "この電子証明書の失効を確認できる失効リストがありません。",
    "jpki_challenge": "認証の有効時間が過ぎたか、既に使われています。はじめからやり直してください。",
    "jpki_signature": "本人の確認ができませんでした。",
}


def no(code: str) -> Refused:
    """The refusal of that result code."""
    return refused(code, TEXTS[code])

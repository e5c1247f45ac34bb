"""Foreign residents (外国人住民): roman names, 通称, 国籍・地域, 在留資格 and 在留期間. All invented."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from simulators.world import names
from simulators.world.names import FEMALE, MALE, Name
from simulators.world.rows import Row, day
from simulators.world.structure import ALONE, Member
from simulators.world.town import Town


class Origin(NamedTuple):
    """Pieces of names of one nationality: (roman, kana, kanji or empty)."""

    nationality: str
    weight: int
    families: tuple[tuple[str, str, str], ...]
    males: tuple[tuple[str, str, str], ...]
    females: tuple[tuple[str, str, str], ...]


def _pieces(text: str) -> tuple[tuple[str, str, str], ...]:
    found = [piece.split("/") for piece in text.split()]
    return tuple((piece[0].replace("_", " "), piece[1].replace("_", "　"), (*piece, "")[2]) for piece in found)


ORIGINS = (
    Origin(
        "ベトナム",
        30,
        _pieces("NGUYEN/グエン TRAN/チャン LE/レ PHAM/ファム HOANG/ホアン VU/ヴ DANG/ダン"),
        _pieces("VAN_AN/ヴァン_アン DUC_MINH/ドゥック_ミン QUANG_HUY/クアン_フイ VAN_NAM/ヴァン_ナム"),
        _pieces("THI_MAI/ティ_マイ THI_LAN/ティ_ラン THU_HA/トゥ_ハ NGOC_ANH/ゴック_アイン"),
    ),
    Origin(
        "中国",
        18,
        _pieces("WANG/ワン/王 LI/リ/李 CHEN/チェン/陳 LIN/リン/林 ZHOU/シュウ/周 WU/ウ/呉"),
        _pieces("WEI/ウェイ/偉 MING/ミン/明 QIANG/チャン/強 JIE/ジエ/傑"),
        _pieces("FANG/ファン/芳 JING/ジン/静 LI/リ/麗 MEI/メイ/梅"),
    ),
    Origin(
        "韓国",
        10,
        _pieces("KIM/キム/金 PARK/パク/朴 CHOI/チェ/崔 JUNG/チョン/鄭"),
        _pieces("MINSU/ミンス/敏秀 JUNHO/ジュンホ/俊浩 SUNGJIN/ソンジン/成珍"),
        _pieces("JIYOUNG/ジヨン/智英 SUJIN/スジン/秀珍 HAEWON/ヘウォン/海媛"),
    ),
    Origin(
        "フィリピン",
        16,
        _pieces("SANTOS/サントス REYES/レイエス CRUZ/クルス GARCIA/ガルシア DELA_CRUZ/デラ_クルス"),
        _pieces("JOSE_MARI/ホセ_マリ MARK_ANTHONY/マーク_アンソニー RAMON/ラモン"),
        _pieces("MARIA_CRISTINA/マリア_クリスティーナ ROSE_ANN/ローズ_アン JOY/ジョイ"),
    ),
    Origin(
        "インドネシア",
        12,
        _pieces("SANTOSO/サントソ WIJAYA/ウィジャヤ PRATAMA/プラタマ HIDAYAT/ヒダヤット"),
        _pieces("BUDI/ブディ AGUS/アグス RIZKI/リズキ"),
        _pieces("SITI/シティ DEWI/デウィ PUTRI/プトリ"),
    ),
    Origin(
        "ネパール",
        6,
        _pieces("SHARMA/シャルマ GURUNG/グルン THAPA/タパ"),
        _pieces("RAVI/ラビ BIKASH/ビカシュ"),
        _pieces("SITA/シタ ANJALI/アンジャリ"),
    ),
    Origin(
        "ブラジル",
        4,
        _pieces("SILVA/シルバ DE_OLIVEIRA_TANAKA/デ_オリベイラ_タナカ SOUZA/ソウザ"),
        _pieces("CARLOS_EDUARDO/カルロス_エドゥアルド JOAO/ジョアン"),
        _pieces("MARIA_APARECIDA/マリア_アパレシーダ ANA_PAULA/アナ_パウラ"),
    ),
    Origin(
        "米国",
        4,
        _pieces("SMITH/スミス JOHNSON/ジョンソン O'BRIEN/オブライエン ANDERSON-LEE/アンダーソンリー"),
        _pieces("JOHN_PAUL/ジョン_ポール MICHAEL/マイケル"),
        _pieces("EMILY/エミリー SARAH_JANE/サラ_ジェーン"),
    ),
)
_WEIGHTS = tuple(origin.weight for origin in ORIGINS)
TRAINEES = (("技能実習２号ロ", "１年", 400), ("特定技能１号", "１年", 365), ("留学", "１年３月", 456))
SETTLED = (("永住者", None, None), ("定住者", "３年", 1_095), ("技術・人文知識・国際業務", "３年", 1_095))
SPOUSE = (("日本人の配偶者等", "３年", 1_095), ("永住者", None, None))


def plan(rng: random.Random) -> Iterator[Member]:
    """A household of foreign residents: mostly one worker, sometimes a couple with a child."""
    sex = rng.choice((MALE, FEMALE))
    yield Member("02", sex, rng.randint(19, 38) if rng.random() < 0.75 else rng.randint(39, 72), ALONE, foreign=True)
    if rng.random() < 0.2:
        yield Member(*(("12", FEMALE) if sex == MALE else ("11", MALE)), rng.randint(22, 45), ALONE, foreign=True)
        if rng.random() < 0.5:
            yield Member("20", rng.choice((MALE, FEMALE)), rng.randint(0, 12), ALONE, foreign=True)


def origin(rng: random.Random) -> Origin:
    """A nationality, drawn roughly as rural towns have them."""
    return rng.choices(ORIGINS, _WEIGHTS)[0]


def columns(town: Town, member: Member, come_from: Origin) -> Row:
    """Names and residence of one foreign resident, without address, dates and household."""
    rng = town.rng
    absent = town.format.layout.absent.get("resident", {})
    family = rng.choice(come_from.families)
    given = rng.choice(come_from.males if member.sex == MALE else come_from.females)
    roman = f"{family[0]} {given[0]}"
    kanji = f"{family[2]}　{given[2]}" if family[2] and given[2] and "name_roman" not in absent else ""
    return {
        "resident_kind": "2",
        "name": kanji if kanji and rng.random() < 0.4 else roman,
        "name_roman": None if "name_roman" in absent else roman,
        "name_kana": f"{family[1]}　{given[1]}",
        "nationality": come_from.nationality,
        **_residence(town, member, come_from),
        **_common_name(town, member, "common_name_kana" not in absent),
    }


def _common_name(town: Town, member: Member, with_kana: bool) -> Row:
    """通称, which three in ten have."""
    rng = town.rng
    if member.age < 18 or rng.random() >= 0.3:
        return {}
    surname, given = names.surname(rng), names.given(rng, member.sex)
    common = Name(f"{surname.text}　{given.text}", f"{surname.kana}　{given.kana}")
    return {"common_name": common.text, "common_name_kana": common.kana if with_kana else None}


def _residence(town: Town, member: Member, come_from: Origin) -> Row:
    rng = town.rng
    number = f"{rng.choice('ABUX')}{rng.choice('ABCX')}{rng.randrange(10**8):08d}{rng.choice('AZ')}{rng.choice('AZ')}"
    if come_from.nationality == "韓国" and rng.random() < 0.5:
        return {"residence_card_number": number, "article_30_45_kind": "特別永住者"}
    status, period, days = rng.choice(_statuses(member))
    ends = town.today + timedelta(days=rng.randint(30, days)) if days else None
    return {
        "residence_status": status,
        "residence_period": period,
        "residence_card_number": number,
        "article_30_45_kind": "中長期在留者",
        **day("residence_period_ends_on", ends, western=True),
    }


def _statuses(member: Member) -> tuple[tuple[str, str | None, int | None], ...]:
    if member.relationship == "20":
        return (("家族滞在", "１年", 365), ("定住者", "３年", 1_095))
    if member.register != ALONE:
        return SPOUSE
    return TRAINEES if member.age < 39 else SETTLED

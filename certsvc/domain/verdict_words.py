"""Every verdict and every national result code in plain words, Chinese and English (the page has words of its own)."""

from certsvc.domain.text import LocalizedText
from certsvc.domain.verdict import Verdict

_WORDS: dict[Verdict, tuple[str, str]] = {
    Verdict.MALFORMED: ("无法识别：这不是证照二维码", "Not readable: this is not a license code"),
    Verdict.UNKNOWN_SIGNER: ("签发者不受信任", "Signed by nobody this register trusts"),
    Verdict.BAD_SIGNATURE: ("签名不符：内容被改动或系伪造", "Bad signature: altered or forged"),
    Verdict.KEY_COMPROMISED: ("签名密钥已泄露，不能采信", "The signing key was compromised; do not rely on it"),
    Verdict.WRONG_SIGNER: ("签名密钥无权签发此证照", "The signing key may not sign this license"),
    Verdict.NOT_REGISTERED: ("未登记：登记系统没有签发过这份证照", "Not registered: the register never signed this"),
    Verdict.REVOKED: ("已被吊销或撤销", "Revoked"),
    Verdict.CANCELLED: ("已注销", "Cancelled"),
    Verdict.SUPERSEDED: ("已被新版本取代，请出示新版证照", "Replaced by a newer version"),
    Verdict.SUSPENDED: ("已暂停使用", "Suspended"),
    Verdict.NOT_YET_VALID: ("尚未生效", "Not yet valid"),
    Verdict.EXPIRED: ("已过有效期", "Expired"),
    Verdict.VALID: ("真实有效", "Genuine and in force"),
    Verdict.REPLAYED: ("该亮证码已使用过", "This presentation code was already used"),
    Verdict.UNCONFIRMED: ("离线数据过旧，无法确认", "Not confirmed: the offline data is too old"),
}

_NATIONAL: dict[int, tuple[str, str]] = {
    0: ("信息一致，证照有效", "Correct; the license is in force"),
    1: ("信息一致，证照尚未生效", "Correct; the license is not yet valid"),
    2: ("信息一致，证照已暂停", "Correct; the license is suspended"),
    3: ("信息一致，证照已失效", "Correct; the license is no longer valid"),
    4: ("匹配到多份证照，信息不足", "Several licenses match; more is needed to tell"),
    5: ("无此证照", "No such license"),
    6: ("未提供比对信息", "Nothing was given to compare"),
    7: ("部分信息不一致", "Wrong in part"),
}


def words_for(verdict: Verdict) -> LocalizedText:
    """The verdict in words."""
    return LocalizedText(*_WORDS[verdict])


def words_for_national_code(code: int) -> LocalizedText:
    """A result code of matching (0 to 7) in words."""
    return LocalizedText(*_NATIONAL[code])

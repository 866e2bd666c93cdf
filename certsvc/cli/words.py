"""What commands say to people, in Chinese and English. Machines read --json, which is the same in both."""

import os
from collections.abc import Mapping

from certsvc.domain.text import LocalizedText

_LANGUAGE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")

VERDICTS: Mapping[str, LocalizedText] = {
    "MALFORMED": LocalizedText("不是完整的证照码或凭证", "Not a complete license code or credential"),
    "UNKNOWN_SIGNER": LocalizedText(
        "签名密钥不属于本登记机关，请勿采信", "Signed by a key that the register does not trust"
    ),
    "BAD_SIGNATURE": LocalizedText("伪造或被改动，请勿采信", "Forged or altered: the signature does not fit"),
    "KEY_COMPROMISED": LocalizedText(
        "签名密钥已经不安全，仅凭此码不能采信", "The key that signed it is no longer safe"
    ),
    "WRONG_SIGNER": LocalizedText("签名密钥无权签发此证照，请勿采信", "The key that signed it was not entitled to"),
    "NOT_REGISTERED": LocalizedText(
        "登记簿从未签发过这些内容，可能系盗用密钥伪造", "The register never signed this content"
    ),
    "REVOKED": LocalizedText("已被吊销或撤销", "Revoked"),
    "CANCELLED": LocalizedText("已注销", "Cancelled"),
    "SUPERSEDED": LocalizedText("已有新版本，此版本不再有效", "Replaced by a newer version"),
    "SUSPENDED": LocalizedText("已暂停", "Suspended"),
    "NOT_YET_VALID": LocalizedText("尚未生效", "Not yet valid"),
    "EXPIRED": LocalizedText("已过有效期", "Expired"),
    "VALID": LocalizedText("有效", "Valid"),
    "REPLAYED": LocalizedText("亮证码已经用过", "This presentation code was used before"),
    "UNCONFIRMED": LocalizedText(
        "离线数据过旧或不全，不能确认", "Not confirmed: the offline data is too old or incomplete"
    ),
}

LABELS: Mapping[str, LocalizedText] = {
    "action": LocalizedText("事项", "action"),
    "active": LocalizedText("在岗", "active"),
    "activate_time": LocalizedText("启用时间", "activated"),
    "agency_id": LocalizedText("机关", "agency"),
    "agency_name": LocalizedText("签发机关", "issuer"),
    "amended": LocalizedText("变更", "amended"),
    "change_id": LocalizedText("变更编号", "change"),
    "checks": LocalizedText("核验项目", "checks"),
    "code": LocalizedText("代码", "code"),
    "confirm_time": LocalizedText("确认时间", "confirmed"),
    "create_time": LocalizedText("建立时间", "created"),
    "deactivate_time": LocalizedText("停用时间", "deactivated"),
    "development": LocalizedText("测试密钥", "development"),
    "disposition": LocalizedText("结果", "outcome"),
    "effective_time": LocalizedText("生效时间", "effective"),
    "etag": LocalizedText("修改标记", "etag"),
    "expire_time": LocalizedText("失效时间", "expires"),
    "fields": LocalizedText("字段", "fields"),
    "foreign_host": LocalizedText("码中网址并非本登记机关", "the code's address is not the register's"),
    "holders": LocalizedText("持证主体", "holders"),
    "identifier": LocalizedText("证照标识", "identifier"),
    "issue_time": LocalizedText("签发时间", "issued"),
    "issued": LocalizedText("签发", "issued"),
    "key_id": LocalizedText("密钥", "key"),
    "kid": LocalizedText("密钥", "key"),
    "kind": LocalizedText("种类", "kind"),
    "level": LocalizedText("级别", "level"),
    "license_number": LocalizedText("证照编号", "number"),
    "name": LocalizedText("名称", "name"),
    "national_code": LocalizedText("国家结果码", "national code"),
    "officer_id": LocalizedText("经办人", "officer"),
    "pending": LocalizedText("待审核", "pending"),
    "purpose": LocalizedText("用途", "purpose"),
    "qr_text": LocalizedText("二维码文本", "QR text"),
    "reason": LocalizedText("原因", "reason"),
    "record_time": LocalizedText("登记时间", "recorded"),
    "region": LocalizedText("地区", "region"),
    "rejected": LocalizedText("退回", "rejected"),
    "request_time": LocalizedText("申请时间", "asked for"),
    "requested_by": LocalizedText("申请人", "asked by"),
    "responsible_agency_id": LocalizedText("管理机关", "responsible"),
    "revoke_time": LocalizedText("吊销时间", "revoked"),
    "roles": LocalizedText("角色", "roles"),
    "rows": LocalizedText("行数", "rows"),
    "signing_end_time": LocalizedText("签名截止", "signs until"),
    "skipped": LocalizedText("已有，跳过", "skipped"),
    "state": LocalizedText("状态", "state"),
    "successor_id": LocalizedText("承接机关", "successor"),
    "superseded_by": LocalizedText("新版标识", "replaced by"),
    "trust_grade": LocalizedText("可信等级", "trust grade"),
    "type_code": LocalizedText("类型代码", "type code"),
    "type_codes": LocalizedText("类型代码", "type codes"),
    "type_name": LocalizedText("证照类型", "type"),
    "valid_from": LocalizedText("有效期起", "from"),
    "valid_until": LocalizedText("有效期至", "until"),
    "verdict": LocalizedText("结论", "verdict"),
    "version": LocalizedText("版本", "version"),
}

OPEN_ENDED = LocalizedText("长期", "open-ended")
"""A license without a last day."""

TEXTS: Mapping[str, LocalizedText] = {
    "dry_run": LocalizedText("试运行：没有提交。将提交的内容：", "Dry run: nothing was sent. It would have been:"),
    "error": LocalizedText("错误", "error"),
    "internal": LocalizedText("程序内部错误", "internal error"),
    "interrupted": LocalizedText("已中断", "interrupted"),
    "import_again": LocalizedText(
        "再次执行同一命令即可继续，不会重复签发", "run the same command again to go on; nothing is issued twice"
    ),
    "import_checked": LocalizedText(
        "试运行：没有提交。“签发”是没有查出错误的行，登记簿还会检查其余规则",
        "Dry run: nothing was sent. Rows counted as issued have no error that shows here; the register checks more",
    ),
    "importing": LocalizedText("导入", "Importing"),
    "none": LocalizedText("（无）", "(none)"),
    "reject_file": LocalizedText("退回清单", "reject file"),
    "untrusted": LocalizedText("码里写的内容（不可采信）：", "What it says (not to be relied on):"),
    "watching": LocalizedText("正在监听，Ctrl-C 结束", "watching; Ctrl-C ends"),
    "written": LocalizedText("已写入", "written to"),
}


def system_language() -> str:
    """`zh` or `en`, by what the environment asks for (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    value = next((os.environ[name] for name in _LANGUAGE_VARIABLES if os.environ.get(name)), "")
    return "zh" if value.lower().startswith("zh") else "en"

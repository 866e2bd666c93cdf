"""SD-JWT VCs that nobody signed, with anything in them: every one gets a verdict, none an error of ours."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.v1 import verification_service_pb2 as pb
from tests.builders import TRAFFIC_POLICE
from tests.integration.register import Register
from tests.integration.verification.stage import Stage

EDGES: st.SearchStrategy[Any] = st.sampled_from(
    [
        "0001-01-01", "9999-12-31", "9998-12-31", "2024-W01-1", "", "\ud800", "\x00", None, True, -1, 0, 2**31,
        253_402_300_799, 253_402_300_800, 10**400, 1e308, -0.0, [], {}, [[]], {"_sd": ["x"]}, {"...": "x"},
        {"status_list": {"idx": -1, "uri": ""}}, {"status_list": {"idx": 10**30, "uri": "x"}}, {"jwk": {}},
    ]
)  # fmt: skip
ANYTHING = EDGES | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def rewritten(part: str, changes: dict[str, Any], dropped: set[str]) -> str:
    members = json.loads(decode_base64url(part)) | changes
    kept = {name: value for name, value in members.items() if name not in dropped}
    return encode_base64url(json.dumps(kept).encode())


def test_a_mutated_vc_gets_a_verdict(register: Register) -> None:
    credential = Stage(register).vc()
    token, _, disclosures = credential.partition("~")
    header, payload, signature = token.split(".")
    names = sorted(json.loads(decode_base64url(payload)))
    verification = register.agency(TRAFFIC_POLICE).verification
    seen = set()

    @settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        claims=st.dictionaries(st.sampled_from(names), ANYTHING, max_size=3),
        dropped=st.sets(st.sampled_from(names), max_size=1),
        parameters=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), ANYTHING, max_size=1)
        | st.just({}),
    )
    def run(claims: dict[str, Any], dropped: set[str], parameters: dict[str, Any]) -> None:
        changed = f"{rewritten(header, parameters, set())}.{rewritten(payload, claims, dropped)}.{signature}"
        result = verification.verify(pb.VerifyCredentialRequest(sd_jwt_vc=f"{changed}~{disclosures}"))
        seen.add(pb.Verdict.Name(result.verdict))

    run()
    assert {"VERDICT_MALFORMED", "VERDICT_BAD_SIGNATURE"} <= seen
    assert seen <= {"VERDICT_MALFORMED", "VERDICT_BAD_SIGNATURE", "VERDICT_UNKNOWN_SIGNER", "VERDICT_VALID"}

"""Reads a COSE_Sign1 CWT with the library `cwt`: a JSON request on standard input, a JSON answer on standard output.

Runs in an environment of its own (.venv-cwt), so it imports nothing of this project.
"""

import json
import sys

import cwt  # type: ignore[import-not-found]  # here and below: not in the environment that is checked
from cwt import COSE, COSEKey
from cwt.exceptions import CWTError  # type: ignore[import-not-found]


def plain(item: object) -> object:
    """CBOR as JSON can say it: maps as lists of pairs, byte strings as {hex}."""
    if isinstance(item, dict):
        return [[key, plain(value)] for key, value in item.items()]
    if isinstance(item, bytes):
        return {"hex": item.hex()}
    return [plain(inner) for inner in item] if isinstance(item, list | tuple) else item


def main() -> None:
    """Answer one request {message, key}, both in hex: a COSE_Sign1 and a COSE_Key."""
    request = json.load(sys.stdin)
    message = bytes.fromhex(request["message"])
    key = COSEKey.from_bytes(bytes.fromhex(request["key"]))
    try:
        protected, unprotected, payload = COSE.new().decode_with_headers(message, keys=[key])
        claims = cwt.decode(message, keys=[key])
    except (CWTError, ValueError) as error:
        json.dump({"refused": str(error)}, sys.stdout)
        return
    answer = {
        "header": plain(protected),
        "unprotected": plain(unprotected),
        "payload": payload.hex(),
        "claims": plain(claims),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

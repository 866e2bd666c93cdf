/**
 * What a license code says: the CWT claims (RFC 8392) of a license, strictly read.
 *
 * docs/formats/qr-code.cddl is the contract, certsvc/credentials/license_code.py the register's own reader of
 * it. Keeps: every value lies within the bounds of the format, and nothing stands there that the format does
 * not have.
 */

import { decode, MalformedError } from "./cbor.js";
import { parseIdentifier } from "./identifier.js";

const EXP = 4, NBF = 5, IAT = 6, CTI = 7, BODY = -65537;
const STATUS = 0, HOLDERS = 1, FIELDS = 2, TYPE_VERSION = 3;

const MAX_STATUS_LIST = 2 ** 31 - 1;
const STATUS_LIST_SIZE = 2 ** 17;
const MAX_TYPE_VERSION = 2 ** 16 - 1;
const MAX_FIELD_KEY = 255;
// 1900-01-01T00:00+08:00 to 9999-12-31T23:59:59Z: licenses older than 1970 exist, so times may be negative.
const EARLIEST_TIME = -2_209_017_600;
const LATEST_TIME = 253_402_300_799;

/**
 * Read the payload of a code.
 *
 * Times are seconds since 1970; `expires` is null for an open-ended license (长期); `holders` are {name, number
 * or null}, a name that is not shown being empty; `fields` maps the type's integer keys to text, numbers and
 * booleans. Throws MalformedError.
 */
export function readPayload(payload) {
  const claims = membersOf(decode(payload), [NBF, IAT, CTI, BODY], [EXP]);
  const body = membersOf(claims.get(BODY), [STATUS, TYPE_VERSION], [HOLDERS, FIELDS]);
  const statusEntry = readStatusEntry(body.get(STATUS));
  const notBefore = integer(claims.get(NBF), EARLIEST_TIME, LATEST_TIME);
  return {
    statusEntry,
    notBefore,
    expires: claims.has(EXP) ? integer(claims.get(EXP), notBefore + 1, LATEST_TIME) : null,
    issuedAt: integer(claims.get(IAT), 0, LATEST_TIME),
    identifier: readIdentifier(claims.get(CTI)),
    typeVersion: integer(body.get(TYPE_VERSION), 1, MAX_TYPE_VERSION),
    holders: body.has(HOLDERS) ? readHolders(body.get(HOLDERS)) : [],
    fields: body.has(FIELDS) ? readFields(body.get(FIELDS)) : new Map(),
  };
}

function expect(condition, reason = "CODE_CLAIMS") {
  if (!condition) throw new MalformedError(reason);
}

/** `item` when it is a map with all the required keys and no others but optional ones. */
function membersOf(item, required, optional) {
  expect(item instanceof Map && required.every((key) => item.has(key)));
  expect(item.size === required.length + optional.filter((key) => item.has(key)).length);
  return item;
}

function integer(item, least, most) {
  expect(typeof item === "number" && item >= least && item <= most);
  return item;
}

function text(item) {
  expect(typeof item === "string");
  return item;
}

function readStatusEntry(item) {
  expect(Array.isArray(item) && item.length === 2);
  return { list: integer(item[0], 0, MAX_STATUS_LIST), index: integer(item[1], 0, STATUS_LIST_SIZE - 1) };
}

function readIdentifier(item) {
  expect(item instanceof Uint8Array);
  const identifier = parseIdentifier(String.fromCharCode(...item));
  expect(identifier !== null, "CODE_IDENTIFIER");
  return identifier;
}

function readHolders(item) {
  expect(Array.isArray(item) && item.length > 0);
  return item.map((holder) => {
    expect(Array.isArray(holder) && (holder.length === 1 || holder.length === 2));
    return { name: text(holder[0]), number: holder.length === 2 ? text(holder[1]) : null };
  });
}

function readFields(item) {
  expect(item instanceof Map && item.size > 0);
  for (const [key, value] of item) {
    integer(key, 1, MAX_FIELD_KEY);
    const isPlain = typeof value === "string" || typeof value === "boolean";
    if (!isPlain) integer(value, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  }
  return item;
}

/**
 * The code printed on a license: text to digits to bytes to COSE_Sign1 (RFC 9052).
 *
 * docs/formats/qr-code.md is the contract, certsvc/credentials/qr_code.py the register's own reader of it.
 * Keeps: sizes are checked before anything is converted; the signed bytes are the bytes as they came; a code
 * of the right form says nothing that may be believed until its signature verified.
 */

import { concat, fromHex, toHex } from "./bytes.js";
import { decode, MalformedError, SIGN1_TAG } from "./cbor.js";
import { readPayload } from "./claims.js";

const MAX_TEXT = 4296;
const MAX_DIGITS = 2467;
const MAX_SIZE = 1024;
const VERSION = 0x01;
const KID_SIZE = 8;
const SIGNATURE_SIZE = 64;
const ALG_ES256 = -7;
const TYP_LICENSE = 65000;

/**
 * The digits of a scanned text, and the host of the URL before them (null for bare digits).
 *
 * The host is for people to look at, never trusted. Throws MalformedError: TEXT_SIZE, TEXT_FORM.
 */
export function readDigits(text) {
  if ([...text.slice(0, 2 * MAX_TEXT + 2)].length > MAX_TEXT) throw new MalformedError("TEXT_SIZE");
  const at = text.indexOf("#");
  const host = at === -1 ? null : hostOf(text.slice(0, at));
  const digits = text.slice(at + 1);
  if (digits.length > MAX_DIGITS) throw new MalformedError("TEXT_SIZE");
  if (!/^[1-9][0-9]*$/.test(digits)) throw new MalformedError("TEXT_FORM");
  return { host, digits };
}

/** The bytes whose big-endian integer `digits` (checked by readDigits) is. */
export function toBytes(digits) {
  const hex = BigInt(digits).toString(16);
  return fromHex(hex.padStart(hex.length + (hex.length % 2), "0"));
}

/**
 * Read the digits of a code: {kid, signedBytes, signature} and what it claims (see claims.js).
 *
 * Throws MalformedError for everything that docs/formats/qr-code.cddl does not describe.
 */
export function parseCode(digits) {
  return parseBytes(toBytes(digits));
}

/** The same from the bytes behind the digits: `0x01 ‖ COSE_Sign1`. */
export function parseBytes(raw) {
  if (raw.length < 2 || raw.length > MAX_SIZE) throw new MalformedError("CODE_SIZE");
  if (raw[0] !== VERSION) throw new MalformedError("CODE_VERSION");
  const [headerBytes, unprotected, payload, signature] = readSign1(raw.subarray(1));
  if (unprotected.size > 0 || signature.length !== SIGNATURE_SIZE) throw new MalformedError("CODE_SHAPE");
  const kid = readHeader(headerBytes);
  return { kid, signedBytes: sigStructure(headerBytes, payload), signature, ...readPayload(payload) };
}

/**
 * Host names that differ from this page's own are shown with a warning: a look-alike page is reached that
 * way.
 */
function hostOf(url) {
  const authority = /^https?:\/\/([^/?]+)[!-~]*$/i.exec(url)?.[1] ?? "";
  const host = authority.slice(authority.lastIndexOf("@") + 1).replace(/:[0-9]*$/, "");
  if (!/^[!-~]+$/.test(authority) || host === "") throw new MalformedError("TEXT_FORM");
  return host.toLowerCase();
}

function readSign1(bytes) {
  const parts = decode(bytes, SIGN1_TAG);
  const isBytes = (value) => value instanceof Uint8Array;
  const fits = Array.isArray(parts) && parts.length === 4
    && isBytes(parts[0]) && parts[1] instanceof Map && isBytes(parts[2]) && isBytes(parts[3]);
  if (!fits) throw new MalformedError("COSE_SHAPE");
  return parts;
}

/** The kid, in hex, of a protected header that is exactly {alg: ES256, kid, typ: license}. */
function readHeader(bytes) {
  const header = bytes.length === 0 ? new Map() : decode(bytes);
  if (!(header instanceof Map)) throw new MalformedError("COSE_HEADER");
  const kid = header.get(4);
  const fits = header.size === 3 && header.has(1) && kid instanceof Uint8Array && header.has(16);
  if (!fits) throw new MalformedError("CODE_HEADER");
  if (header.get(1) !== ALG_ES256) throw new MalformedError("ALG_MISMATCH");
  if (kid.length !== KID_SIZE) throw new MalformedError("CODE_HEADER");
  if (header.get(16) !== TYP_LICENSE) throw new MalformedError("CODE_TYP");
  return toHex(kid);
}

/** What was signed: ["Signature1", protected, external_aad (empty), payload] (RFC 9052 section 4.4). */
function sigStructure(headerBytes, payload) {
  const context = new TextEncoder().encode("Signature1");
  return concat(
    Uint8Array.of(0x84, 0x60 | context.length), context,
    byteStringHead(headerBytes.length), headerBytes,
    byteStringHead(0),
    byteStringHead(payload.length), payload,
  );
}

/** The shortest head of a byte string of less than 2^16 bytes. */
function byteStringHead(length) {
  if (length < 24) return Uint8Array.of(0x40 | length);
  return length < 256 ? Uint8Array.of(0x58, length) : Uint8Array.of(0x59, length >> 8, length & 0xff);
}

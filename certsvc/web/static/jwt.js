/**
 * Signed answers of the register: JWT (RFC 7519) in compact form, ES256 only.
 *
 * Keeps: an answer counts only with the expected typ, under a key of this register whose record says the
 * expected purpose, and before its exp. The algorithm is the key record's; a header that names another is
 * refused.
 */

import { fromBase64Url } from "./bytes.js";
import { NotCheckedError, parseJson, verifies } from "./register.js";
import { TOLERANCE_SECONDS } from "./clock.js";

// What the register says of a key that it no longer stands for: nothing signed with it counts.
const UNTRUSTED_STATES = new Set(["COMPROMISED", "WITHDRAWN"]);

/**
 * The payload of `text` after every check; `flags` (kid → {state}) are the keys with something against them.
 *
 * Throws NotCheckedError: UNTRUSTED_ANSWER, STALE_ANSWER, or what fetching the key threw.
 */
export async function openJwt(text, { typ, purpose, register, clock, flags }) {
  const { header, payload, signed, signature } = split(text);
  const trusted = (condition) => {
    if (!condition) throw new NotCheckedError("UNTRUSTED_ANSWER");
  };
  trusted(header.alg === "ES256" && header.typ === typ && header.crit === undefined);
  const key = typeof header.kid === "string" ? await register.key(header.kid) : null;
  trusted(key !== null && key.purpose === purpose);
  trusted(await verifies(key, { signature, signed }));

  // The list of flags may name the very key that signed it.
  const flag = (flags ?? flagsOf(payload)).get(header.kid);
  trusted(flag === undefined || !UNTRUSTED_STATES.has(flag.state));

  trusted(Number.isFinite(payload.iat) && Number.isFinite(payload.exp));
  clock.noteSigned(payload.iat);
  const now = clock.register;
  if (payload.exp <= now || payload.iat > now + TOLERANCE_SECONDS) throw new NotCheckedError("STALE_ANSWER");
  return payload;
}

/** The flags of a /keyset/flags payload as a Map; empty for any other payload. */
export function flagsOf(payload) {
  const flags = payload.flags;
  return new Map(typeof flags === "object" && flags !== null ? Object.entries(flags) : []);
}

function split(text) {
  const parts = text.trim().split(".");
  if (parts.length !== 3) throw new NotCheckedError("UNEXPECTED_ANSWER");
  try {
    const read = (part) => new TextDecoder("utf-8", { fatal: true }).decode(fromBase64Url(part));
    return {
      header: parseJson(read(parts[0])),
      payload: parseJson(read(parts[1])),
      signed: new TextEncoder().encode(`${parts[0]}.${parts[1]}`),
      signature: fromBase64Url(parts[2]),
    };
  } catch {
    throw new NotCheckedError("UNEXPECTED_ANSWER");
  }
}

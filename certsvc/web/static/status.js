/**
 * Status lists (draft-ietf-oauth-status-list): fetched, opened under a status key, inflated within a bound,
 * looked up.
 *
 * Keeps: a list counts only for the number it says it is; it never inflates beyond what a list can hold.
 */

import { fromBase64Url } from "./bytes.js";
import { openJwt } from "./jwt.js";
import { NotCheckedError } from "./register.js";

export const STATUS = { VALID: 0, INVALID: 1, SUSPENDED: 2, SUPERSEDED: 3 };

const BITS = 2;
const ENTRIES_PER_BYTE = 8 / BITS;
const MAX_BYTES = 2 ** 17 / ENTRIES_PER_BYTE;

/** The two-bit status at `index` of list number `list`. Throws NotCheckedError. */
export async function fetchStatus({ list, index }, { register, clock, flags }) {
  const text = await register.statusList(list);
  const payload = await openJwt(text, { typ: "statuslist+jwt", purpose: "status", register, clock, flags });
  // Only the path is compared: the register may be reached by a name other than its public one (loopback).
  const isAsked = typeof payload.sub === "string" && payload.sub.endsWith(`/statuslists/${list}`);
  if (!isAsked || payload.status_list?.bits !== BITS) throw new NotCheckedError("UNTRUSTED_ANSWER");
  return statusAt(await inflate(payload.status_list.lst), index);
}

/** Entry `index` of an inflated two-bit list: the first entry lies in the lowest bits of the first byte. */
export function statusAt(bytes, index) {
  const byte = Math.floor(index / ENTRIES_PER_BYTE);
  if (byte >= bytes.length) throw new NotCheckedError("UNEXPECTED_ANSWER");
  return (bytes[byte] >> ((index % ENTRIES_PER_BYTE) * BITS)) & 3;
}

/** The bytes of a zlib stream (RFC 1950) in base64url, at most MAX_BYTES of them. */
export async function inflate(lst) {
  if (typeof DecompressionStream === "undefined") throw new NotCheckedError("BROWSER_TOO_OLD");
  const bytes = new Uint8Array(MAX_BYTES);
  let size = 0;
  let reader = null;
  try {
    const stream = new Blob([fromBase64Url(lst)]).stream().pipeThrough(new DecompressionStream("deflate"));
    reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.subarray(0, size);
      // set() throws where the chunk does not fit: that is the bound.
      bytes.set(value, size);
      size += value.length;
    }
  } catch {
    reader?.cancel().catch(() => {});
    throw new NotCheckedError("UNEXPECTED_ANSWER");
  }
}

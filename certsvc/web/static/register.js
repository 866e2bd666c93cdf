/**
 * The register's public documents, asked for over HTTP from where this page came from, and checked for their
 * shape.
 *
 * Keeps: no request carries the code, its digits or its whole digest; nothing is taken from another origin, a
 * redirect or an answer of another kind (a hotel's login page). Whatever does not arrive as described throws
 * NotCheckedError: it was not found out, which is never a verdict.
 */

import { concat, fromBase64Url, sha256, toHex } from "./bytes.js";

/** Something could not be found out; `reason` is a stable name with words in words.js. */
export class NotCheckedError extends Error {
  constructor(reason) {
    super(reason);
    this.name = "NotCheckedError";
    this.reason = reason;
  }
}

const TIMEOUT_MS = 10_000;
// 16^6 buckets of a hundred hold 1.6 thousand million codes; more digits would tell the register which code.
const MAX_PREFIX_DIGITS = 6;
const KID = /^[0-9a-f]{16}$/;
const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json\b/i;
const JWT_TYPE = /^application\/([a-z0-9.-]+\+)?jwt\b/i;

const FRESH_JSON = { type: JSON_TYPE, cache: "no-store" };

export class Register {
  #keys = new Map();
  #deployment = null;

  /**
   * `base` is the folder that /q lies in; `clock` a Clock; `signal` ends all requests; `fetcher` is fetch.
   */
  constructor({ base, clock, signal, fetcher = (...request) => fetch(...request) }) {
    Object.assign(this, { base, clock, signal, fetcher });
  }

  /** The immutable record of a key, or null where the register has no such key. Asked for once a run. */
  key(kid) {
    if (!KID.test(kid)) return Promise.resolve(null);
    if (!this.#keys.has(kid)) this.#keys.set(kid, this.#fetchKey(kid));
    return this.#keys.get(kid);
  }

  async #fetchKey(kid) {
    const text = await this.#get(`keys/${kid}`, { type: JSON_TYPE, limit: 8192, absent: true });
    if (text === null) return null;
    const record = parseJson(text);
    ensure(record.kid === kid && record.alg === "ES256" && typeof record.purpose === "string");
    ensure(record.agency === null || (isText(record.agency?.id) && isLocalized(record.agency.name)));
    ensure(Array.isArray(record.types) && record.types.every(isText));
    ensure(Number.isSafeInteger(record.not_before) && typeof record.development === "boolean");
    // The name of a key is made of the key: a record under another key's name is refused.
    ensure((await kidOf(record.jwk)) === kid);
    return record;
  }

  /** The signed list of keys with something against them, as JWT text; never from a cache. */
  flags() {
    return this.#get("keyset/flags", { type: JWT_TYPE, limit: 1 << 20, cache: "no-store" });
  }

  /**
   * The description of a license type: its name, and the label of each field of a code by its integer key.
   */
  async type(code, version) {
    const text = await this.#get(`types/${code}/${version}`, { type: JSON_TYPE, limit: 1 << 18 });
    const type = parseJson(text).certsvc;
    ensure(type?.code === code && type.version === version && isLocalized(type.name));
    ensure(Array.isArray(type.fields));
    const labels = new Map();
    for (const field of type.fields) {
      if (field.qr_key === null || field.qr_key === undefined) continue;
      ensure(Number.isSafeInteger(field.qr_key) && isLocalized(field.label));
      labels.set(field.qr_key, field.label);
    }
    return { name: type.name, labels };
  }

  /** A status list as JWT text; asked anew each time, so that a revocation shows after its max-age (60 s). */
  statusList(number) {
    const accept = "application/statuslist+jwt";
    return this.#get(`statuslists/${number}`, { type: JWT_TYPE, limit: 1 << 17, cache: "no-cache", accept });
  }

  /**
   * What the register says now of the signed bytes with this digest (64 hex digits): a state, or null for
   * none.
   */
  async registration(digest) {
    const { digits } = await this.#deploymentOnce();
    if (digits > MAX_PREFIX_DIGITS) throw new NotCheckedError("PREFIX_TOO_LONG");
    const prefix = digest.slice(0, digits);
    const answer = parseJson(await this.#get(`registered/${prefix}`, { ...FRESH_JSON, limit: 1 << 22 }));
    ensure(answer.prefix === prefix && Array.isArray(answer.entries));
    const entry = answer.entries.find((candidate) => candidate?.[0] === digest);
    return entry === undefined ? null : entry[1];
  }

  /** Whether the register calls itself one of development, where development keys count. */
  async isDevelopment() {
    return (await this.#deploymentOnce()).development;
  }

  #deploymentOnce() {
    this.#deployment ??= this.#fetchDeployment();
    return this.#deployment;
  }

  async #fetchDeployment() {
    const answer = parseJson(await this.#get("registered", { ...FRESH_JSON, limit: 1024 }));
    const { prefix_digits: digits, development = false } = answer;
    ensure(Number.isSafeInteger(digits) && digits >= 0 && typeof development === "boolean");
    return { digits, development };
  }

  /** The body of an answer as text; null for the register's own 404 where `absent` allows it. */
  async #get(path, { type, limit, cache = "default", accept = null, absent = false }) {
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = setTimeout(abort, TIMEOUT_MS);
    this.signal.addEventListener("abort", abort);
    try {
      const response = await this.fetcher(new URL(path, this.base), {
        cache,
        headers: accept === null ? {} : { Accept: accept },
        signal: controller.signal,
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      });
      if (cache !== "default") this.clock.noteAnswer(response.headers);
      const contentType = response.headers.get("Content-Type") ?? "";
      if (absent && response.status === 404 && JSON_TYPE.test(contentType)) return null;
      if (response.status >= 500 || response.status === 429) throw new NotCheckedError("NO_ANSWER");
      ensure(response.status === 200 && type.test(contentType));
      return await readText(response.body, limit);
    } catch (error) {
      // fetch throws the same for no network, a refused redirect and an abort: all of them are no answer.
      throw error instanceof NotCheckedError ? error : new NotCheckedError("NO_ANSWER");
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener("abort", abort);
    }
  }
}

/** Whether `signature` (r ‖ s) over `signed` is that of a record's key; ES256 only, whatever a message names. */
export async function verifies(record, { signature, signed }) {
  const { kty, crv, x, y } = record.jwk;
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  let key = null;
  try {
    key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, curve, false, ["verify"]);
  } catch {
    // A point that is not on the curve.
    throw new NotCheckedError("UNEXPECTED_ANSWER");
  }
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, signed);
}

/** kid: the first 8 bytes of the COSE Key Thumbprint (RFC 9679 section 3) of a P-256 key, in hex. */
async function kidOf(jwk) {
  try {
    const [x, y] = [fromBase64Url(jwk.x), fromBase64Url(jwk.y)];
    ensure(jwk.kty === "EC" && jwk.crv === "P-256" && x.length === 32 && y.length === 32);
    const head = Uint8Array.of(0xa4, 0x01, 0x02, 0x20, 0x01, 0x21, 0x58, 0x20);
    const thumbprint = await sha256(concat(head, x, Uint8Array.of(0x22, 0x58, 0x20), y));
    return toHex(thumbprint.subarray(0, 8));
  } catch {
    throw new NotCheckedError("UNEXPECTED_ANSWER");
  }
}

async function readText(body, limit) {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new NotCheckedError("UNEXPECTED_ANSWER");
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** The object that `text` is the JSON of. */
export function parseJson(text) {
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Falls through to the same refusal as JSON that is no object.
  }
  ensure(typeof value === "object" && value !== null && !Array.isArray(value));
  return value;
}

function ensure(condition) {
  if (!condition) throw new NotCheckedError("UNEXPECTED_ANSWER");
}

function isText(value) {
  return typeof value === "string" && value !== "";
}

function isLocalized(value) {
  return isText(value?.zh) && (value.en === undefined || typeof value.en === "string");
}

/**
 * A strict reader for the CBOR that a license code is made of (RFC 8949, deterministic encoding of section
 * 4.2.1).
 *
 * Owns: from bytes to values, and nothing of what the values mean. Keeps: whatever is not the one shortest,
 * definite, sorted form of a value is refused, so that no two readers can see two different licenses in the
 * same bytes. The reasons are those of the register's own reader (certsvc/credentials/cbor.py); one file of
 * hostile inputs drives both.
 */

/** A presented text is not of the form that docs/formats describes; `reason` is a stable name. */
export class MalformedError extends Error {
  constructor(reason) {
    super(reason);
    this.name = "MalformedError";
    this.reason = reason;
  }
}

export const SIGN1_TAG = 18;

const MAX_DEPTH = 8;
const FALSE = 0xf4;
const TRUE = 0xf5;

/**
 * Read `bytes` (Uint8Array) as exactly one item, under `tag` (below 24) where that is given and untagged
 * otherwise.
 *
 * Integers become numbers (bigint beyond 2^53), byte strings Uint8Array, maps Map with integer or text keys.
 * Throws MalformedError for anything else, trailing bytes included.
 */
export function decode(bytes, tag = null) {
  const reader = new Reader(bytes);
  if (tag !== null) {
    if (bytes[0] !== (0xc0 | tag)) throw new MalformedError("CBOR_TAG");
    reader.offset = 1;
  }
  const value = reader.item(0);
  if (reader.offset !== bytes.length) throw new MalformedError("CBOR_TRAILING_BYTES");
  return value;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
  }

  /** The item at the offset; `depth` counts the arrays and maps around it. */
  item(depth) {
    const initial = this.take(1)[0];
    const major = initial >> 5;
    if (major === 7) return readSimple(initial);
    const argument = this.argument(initial & 0x1f);
    switch (major) {
      case 0: return argument;
      case 1: return typeof argument === "bigint" ? -1n - argument : -1 - argument;
      case 2: return this.take(argument).slice();
      case 3: return this.text(argument);
      case 4: return this.array(argument, depth + 1);
      case 5: return this.map(argument, depth + 1);
      default: throw new MalformedError("CBOR_TAG");
    }
  }

  take(length) {
    // A bigint length is over 2^53, so it is over what is left as well.
    if (length > this.bytes.length - this.offset) throw new MalformedError("CBOR_TRUNCATED");
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }

  argument(info) {
    if (info < 24) return info;
    if (info === 31) throw new MalformedError("CBOR_INDEFINITE");
    if (info > 27) throw new MalformedError("CBOR_RESERVED");
    const size = 1 << (info - 24);
    const at = this.offset;
    this.take(size);
    const value = size === 1 ? this.view.getUint8(at)
      : size === 2 ? this.view.getUint16(at)
      : size === 4 ? this.view.getUint32(at)
      : this.view.getBigUint64(at);
    const leastLong = size === 1 ? 24 : 2 ** (4 * size);
    if (value < leastLong) throw new MalformedError("CBOR_LONG_FORM");
    return typeof value === "bigint" && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  text(length) {
    const raw = this.take(length);
    try {
      // ignoreBOM keeps a leading U+FEFF: what is shown must be all that was signed.
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    } catch {
      throw new MalformedError("CBOR_BAD_UTF8");
    }
  }

  /** Refuse a count that the input cannot hold (an item takes a byte at least) before it makes us loop. */
  checkContainer(leastSize, depth) {
    if (depth > MAX_DEPTH) throw new MalformedError("CBOR_TOO_DEEP");
    if (leastSize > this.bytes.length - this.offset) throw new MalformedError("CBOR_TRUNCATED");
  }

  array(count, depth) {
    this.checkContainer(count, depth);
    const items = [];
    for (let i = 0; i < count; i += 1) items.push(this.item(depth));
    return items;
  }

  map(count, depth) {
    this.checkContainer(typeof count === "bigint" ? count : 2 * count, depth);
    const entries = new Map();
    let previous = new Uint8Array(0);
    for (let i = 0; i < count; i += 1) {
      const start = this.offset;
      const key = this.item(depth);
      if (!["number", "bigint", "string"].includes(typeof key)) throw new MalformedError("CBOR_KEY_TYPE");
      if (entries.has(key)) throw new MalformedError("CBOR_DUPLICATE_KEY");
      const encoded = this.bytes.subarray(start, this.offset);
      if (compareBytes(encoded, previous) < 0) throw new MalformedError("CBOR_UNSORTED_KEYS");
      previous = encoded;
      entries.set(key, this.item(depth));
    }
    return entries;
  }
}

function readSimple(initial) {
  if (initial === FALSE) return false;
  if (initial === TRUE) return true;
  throw new MalformedError("CBOR_SIMPLE");
}

function compareBytes(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

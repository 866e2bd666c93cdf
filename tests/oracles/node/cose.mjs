// COSE_Sign1 with cose-js (elliptic) and cbor, and ES256 once more with WebCrypto.

import cbor from "cbor";
import cose from "cose-js";

import { answer } from "./oracle.mjs";

const hex = (text) => Buffer.from(text, "hex");

/** CBOR as JSON can say it: maps as lists of pairs, byte strings as {hex}. */
function plain(item) {
  if (item instanceof Map) return [...item].map(([key, value]) => [key, plain(value)]);
  if (Buffer.isBuffer(item)) return { hex: item.toString("hex") };
  return Array.isArray(item) ? item.map(plain) : item;
}

async function read({ message, x, y }) {
  const payload = await cose.sign.verify(hex(message), { key: { x: hex(x), y: hex(y) } });
  const [protectedBytes, unprotected, , signature] = cbor.decodeFirstSync(hex(message)).value;
  const signed = cbor.encode(["Signature1", protectedBytes, Buffer.alloc(0), payload]);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const point = Buffer.concat([Buffer.from([4]), hex(x), hex(y)]);
  const key = await crypto.subtle.importKey("raw", point, algorithm, true, ["verify"]);
  return {
    header: plain(cbor.decodeFirstSync(protectedBytes)),
    unprotected: plain(unprotected),
    claims: plain(cbor.decodeFirstSync(payload)),
    signed: signed.toString("hex"),
    webcrypto: await crypto.subtle.verify(algorithm, key, signature, signed),
  };
}

async function sign({ payload, d }) {
  const headers = { p: { alg: "ES256" }, u: {} };
  return { message: (await cose.sign.create(headers, hex(payload), { key: { d: hex(d) } })).toString("hex") };
}

await answer({ read, sign });

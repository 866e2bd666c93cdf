// What the register publishes, read with jose, cbor and cose-js; and a caller's token, made with jose.

import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";

import cbor from "cbor";
import cose from "cose-js";
import { SignJWT, createLocalJWKSet, importPKCS8, jwtVerify } from "jose";

import { answer } from "./oracle.mjs";

const hex = (text) => Buffer.from(text, "hex");

/** A JWT of this type, by a key of this JWK Set. */
async function jwt({ token, jwks, typ }) {
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), { typ, algorithms: ["ES256"] });
  return { header: protectedHeader, payload };
}

/** The keys of a COSE_KeySet (RFC 9052 §7), each with the SHA-256 thumbprint of RFC 9679. */
function keySet({ bytes }) {
  return {
    keys: cbor.decodeFirstSync(hex(bytes)).map((key) => {
      const [x, y] = [key.get(-2), key.get(-3)];
      const required = cbor.Encoder.encodeOne(new Map([[1, key.get(1)], [-1, key.get(-1)], [-2, x], [-3, y]]));
      return {
        kty: key.get(1),
        alg: key.get(3),
        crv: key.get(-1),
        kid: key.get(2).toString("hex"),
        x: x.toString("hex"),
        y: y.toString("hex"),
        thumbprint: createHash("sha256").update(required).digest("hex"),
      };
    }),
  };
}

/** The entries at `indices` of a status list CWT, and what its token says of itself. */
async function statusListCwt({ message, x, y, indices }) {
  const payload = await cose.sign.verify(hex(message), { key: { x: hex(x), y: hex(y) } });
  const header = cbor.decodeFirstSync(cbor.decodeFirstSync(hex(message)).value[0]);
  const claims = cbor.decodeFirstSync(payload);
  const list = claims.get(65533);
  const { bits, lst } = list instanceof Map ? Object.fromEntries(list) : list;
  const packed = inflateSync(lst);
  const entry = (index) => (packed[Math.floor((index * bits) / 8)] >> ((index * bits) % 8)) & ((1 << bits) - 1);
  return {
    typ: header.get(16),
    sub: claims.get(2),
    iat: claims.get(6),
    exp: claims.get(4),
    ttl: claims.get(65534),
    size: (packed.length * 8) / bits,
    statuses: indices.map(entry),
  };
}

/** A token as docs/api.md tells callers to make it. */
async function callerToken({ pem, kid, issuer, subject, audience, id }) {
  const token = new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid, typ: "certsvc-caller+jwt" })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime("2 minutes")
    .setJti(id);
  return { token: await token.sign(await importPKCS8(pem, "ES256")) };
}

await answer({ jwt, keySet, statusListCwt, callerToken });

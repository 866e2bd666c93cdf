// SD-JWT VC and status lists with the libraries of the OpenWallet Foundation.

import { ES256, digest, generateSalt } from "@sd-jwt/crypto-nodejs";
import { getListFromStatusListJWT } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";

import { answer } from "./oracle.mjs";

const COMMON = { hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt };

/** Verify a credential with its status list, key binding and type metadata, all of which the request brings along. */
async function verify({ credential, key, statusKey, statusLists, types, nonce, now }) {
  const instance = new SDJwtVcInstance({
    ...COMMON,
    verifier: await ES256.getVerifier(key),
    statusVerifier: await ES256.getVerifier(statusKey),
    statusListFetcher: async (uri) => statusLists[uri],
    vctFetcher: async (uri) => types[uri],
    loadTypeMetadataFormat: true,
    kbVerifier: async (data, signature, payload) =>
      (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
  });
  const result = await instance.verify(credential, { currentDate: now, keyBindingNonce: nonce });
  return { payload: result.payload, bound: result.kb?.payload ?? null };
}

/** Issue a credential; with a holder's key and an audience, present it bound. */
async function issue({ claims, frame, key, kid, holderKey, presentation, binding }) {
  const instance = new SDJwtVcInstance({
    ...COMMON,
    signer: await ES256.getSigner(key),
    signAlg: "ES256",
    ...(holderKey && { kbSigner: await ES256.getSigner(holderKey), kbSignAlg: "ES256" }),
  });
  const credential = await instance.issue(claims, frame, { header: { kid } });
  if (!presentation) return { credential };
  return { credential: await instance.present(credential, presentation, binding && { kb: { payload: binding } }) };
}

async function statuses({ token, indices }) {
  const list = getListFromStatusListJWT(token);
  return { size: list.statusList.length, statuses: indices.map((index) => list.getStatus(index)) };
}

await answer({ verify, issue, statuses });

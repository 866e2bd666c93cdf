/**
 * The whole verification of one code in the browser, as numbered steps.
 *
 * Keeps: the code never leaves the phone (requests carry a key's name, a type's code, a list's number and the
 * first digits of a digest); nothing that a code says is used or shown before its signature verified.
 */

import { parseCode, readDigits } from "./code.js";
import { MalformedError } from "./cbor.js";
import { sha256, toHex } from "./bytes.js";
import { judge } from "./judge.js";
import { flagsOf, openJwt } from "./jwt.js";
import { NotCheckedError, Register, verifies } from "./register.js";
import { fetchStatus } from "./status.js";

const MOOT = { known: false, reason: "NOT_REACHED" };
const UNREAD = {
  key: MOOT, development: MOOT, signature: MOOT, flags: MOOT, registration: MOOT, status: MOOT, type: MOOT,
};

/** Whether this browser can check signatures at all; it cannot on a plain-http page (no crypto.subtle). */
export function canVerify() {
  return typeof crypto !== "undefined" && crypto.subtle !== undefined;
}

/**
 * Verify `text` (a scanned code's text, or its digits) against the register that `base` belongs to. `clock` is
 * a Clock, `signal` ends all requests, `fetcher` stands for fetch.
 *
 * Returns {verdict, checks, code, key, type, host, judgedAt}; code and key are null unless the signature
 * verified, type where it did not arrive, host where the text named none. Never rejects for what the code or
 * the register did.
 */
export async function verify(text, { base, clock, signal, fetcher }) {
  const register = new Register({ base, clock, signal, fetcher });

  // 1. Read the text strictly. Nothing is asked for in the name of a malformed code.
  const { form, host } = readForm(text);
  const conclusion = (facts) => conclude({ ...UNREAD, ...facts, form }, { clock, host });
  if (!form.known) return conclusion({});
  const code = form.value;

  // 2. The signer's key, by the name in the code, and the keys with something against them.
  const [key, flags] = await Promise.all([
    learn(register.key(code.kid)),
    learn(fetchFlags(register, clock)),
  ]);
  // A development key counts only in a register of development: that one is asked whether it is.
  const development = key.known && key.value?.development ? await learn(register.isDevelopment()) : MOOT;

  // 3. The signature, over the bytes as they came. Before it verified nothing in them is worth a question.
  const signature = await checkSignature(code, key);
  if (!signature.known || !signature.value) {
    const unasked = signature.known ? MOOT : signature;
    return conclusion({
      key, development, signature, flags, registration: unasked, status: unasked, type: unasked,
    });
  }

  // 4. What the register knows: its live answer by digest, the signed status list, the name of the type.
  const digest = toHex(await sha256(code.signedBytes));
  const [registration, status, type] = await Promise.all([
    learn(register.registration(digest)),
    flags.known ? learn(fetchStatus(code.statusEntry, { register, clock, flags: flags.value })) : flags,
    learn(register.type(code.identifier.typeCode, code.typeVersion)),
  ]);

  // 5. Judge.
  return conclusion({ key, development, signature, flags, registration, status, type });
}

function readForm(text) {
  try {
    const { host, digits } = readDigits(text);
    return { host, form: { known: true, value: parseCode(digits) } };
  } catch (error) {
    if (error instanceof MalformedError) return { host: null, form: { known: false, reason: error.reason } };
    throw error;
  }
}

async function checkSignature({ signature, signedBytes }, key) {
  if (!key.known) return key;
  return key.value === null ? MOOT : learn(verifies(key.value, { signature, signed: signedBytes }));
}

async function fetchFlags(register, clock) {
  const expected = { typ: "keyflags+jwt", purpose: "key_set", flags: null };
  return flagsOf(await openJwt(await register.flags(), { ...expected, register, clock }));
}

/** What `promise` gives as a fact; anything but a known reason is a fault of this page and stays an error. */
async function learn(promise) {
  try {
    return { known: true, value: await promise };
  } catch (error) {
    if (error instanceof NotCheckedError) return { known: false, reason: error.reason };
    throw error;
  }
}

function conclude(facts, { clock, host }) {
  const shown = facts.signature.known && facts.signature.value === true;
  return {
    ...judge(facts, clock),
    code: shown ? facts.form.value : null,
    key: shown ? facts.key.value : null,
    type: facts.type.known ? facts.type.value : null,
    host,
    judgedAt: clock.phone,
  };
}

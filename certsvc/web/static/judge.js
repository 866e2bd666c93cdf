/**
 * From what was found out to a verdict, in the order of testing that every verifier of this register keeps.
 *
 * Pure: no clock, no network, no DOM. Keeps: VALID only when every check passed; what was not found out is
 * NOT_CHECKED and makes UNCONFIRMED at best, never a verdict for or against the license.
 */

import { STATUS } from "./status.js";

/** The verdicts in the order of testing; the first that holds is the answer. */
export const ORDER = [
  "MALFORMED", "UNKNOWN_SIGNER", "BAD_SIGNATURE", "KEY_COMPROMISED", "WRONG_SIGNER", "NOT_REGISTERED",
  "REVOKED", "CANCELLED", "SUPERSEDED", "SUSPENDED", "NOT_YET_VALID", "EXPIRED", "VALID",
];

/** The checks in the order that they are shown in; STATUS_LIST and TYPE are this page's own. */
export const CHECKS = [
  "FORM", "SIGNER", "SIGNATURE", "KEY_STATE", "KEY_SCOPE", "REGISTRATION", "STATUS_LIST", "STATE", "VERSION",
  "DATES", "TYPE",
];

// Where several checks tell of a state, the last one that is looked at for it.
const LAST_CHECKS = { REVOKED: "STATE", CANCELLED: "STATE", SUPERSEDED: "VERSION", SUSPENDED: "VERSION" };

// A signer's clock may be this far behind the one that recorded the key's activation.
const ACTIVATION_SKEW_SECONDS = 300;

const PASS = { result: "PASS", reason: "" };
const fail = (verdict, reason = verdict) => ({ result: "FAIL", verdict, reason });
const notChecked = (reason) => ({ result: "NOT_CHECKED", reason });

/**
 * Judge the facts; a fact is {known: true, value} or {known: false, reason}.
 *
 * facts: form {code} · key (record or null) · development (whether this register is one of development) · signature (boolean) · flags (Map kid → {state, since}) ·
 * registration (state or null) · status (0 to 3) · type. `clock` has phone, register (seconds) and isOff.
 * Returns {verdict, checks}, checks being {name, result, reason} for each of CHECKS.
 */
export function judge(facts, clock) {
  const findings = [
    facts.form.known ? PASS : fail("MALFORMED", facts.form.reason),
    ...judgeSigner(facts),
    ...judgeRegister(facts),
    dependent(contentOf(facts), (code) => judgeDates(code, clock)),
    dependent(facts.type, () => PASS),
  ];
  const failed = findings.filter((finding) => finding.result === "FAIL").map((finding) => finding.verdict);
  const complete = findings.every((finding) => finding.result === "PASS");
  const verdict = ORDER.find((name) => failed.includes(name)) ?? (complete ? "VALID" : "UNCONFIRMED");
  return { verdict, checks: inOrder(findings, verdict) };
}

/** Names for the findings; behind the one that settled the verdict none is told, so that no tick stands there. */
function inOrder(findings, verdict) {
  const failed = findings.findIndex((finding) => finding.result === "FAIL");
  const last = verdict in LAST_CHECKS ? CHECKS.indexOf(LAST_CHECKS[verdict]) : failed;
  return findings.map(({ result, reason }, i) => {
    const moot = last !== -1 && i > last;
    return { name: CHECKS[i], ...(moot ? notChecked("NOT_REACHED") : { result, reason }) };
  });
}

function dependent(fact, finding) {
  return fact.known ? finding(fact.value) : notChecked(fact.reason);
}

/** What the code says, as a fact: it is known once the signature verified, and not before. */
function contentOf({ form, signature }) {
  if (!signature.known) return signature;
  return signature.value ? form : { known: false, reason: "NOT_REACHED" };
}

/** SIGNER, SIGNATURE, KEY_STATE, KEY_SCOPE. */
function judgeSigner(facts) {
  const { form, key, development, signature, flags } = facts;
  const flag = flags.known && form.known ? flags.value.get(form.value.kid) : undefined;
  return [
    flag?.state === "WITHDRAWN" ? fail("UNKNOWN_SIGNER", "KEY_WITHDRAWN") : dependent(key, (record) => judgeSignerKey(record, development)),
    dependent(signature, (good) => (good ? PASS : fail("BAD_SIGNATURE"))),
    dependent(flags, () => judgeKeyState(flag)),
    dependent(key.known ? contentOf(facts) : key, (code) => judgeScope(code, key.value, flag)),
  ];
}

function judgeSignerKey(record, development) {
  if (record === null) return fail("UNKNOWN_SIGNER", "UNKNOWN_KEY");
  if (!record.development) return PASS;
  return dependent(development, (isIt) => (isIt ? PASS : fail("UNKNOWN_SIGNER", "DEVELOPMENT_KEY")));
}

function judgeKeyState(flag) {
  switch (flag?.state) {
    case undefined:
    case "DEACTIVATED":
    case "WITHDRAWN":
      return PASS;
    // A suspended key proves nothing by itself; here the register's own answer is asked for anyway.
    case "SUSPENDED":
      return { result: "PASS", reason: "KEY_SUSPENDED" };
    case "COMPROMISED":
      return fail("KEY_COMPROMISED");
    default:
      return notChecked("UNEXPECTED_ANSWER");
  }
}

/** Whether this key may sign this kind of thing, for this agency and type, at that time. */
function judgeScope(code, record, flag) {
  if (record.purpose !== "license") return fail("WRONG_SIGNER", "KEY_PURPOSE");
  const early = code.issuedAt + ACTIVATION_SKEW_SECONDS < record.not_before;
  const late = flag?.state === "DEACTIVATED" && !(code.issuedAt <= flag.since);
  if (early || late) return fail("WRONG_SIGNER", "OUTSIDE_SIGNING_WINDOW");
  const { agencyId, typeCode } = code.identifier;
  const isAgency = record.agency === null || record.agency.id === agencyId;
  const isType = record.types.length === 0 || record.types.includes(typeCode);
  return isAgency && isType ? PASS : fail("WRONG_SIGNER", "KEY_SCOPE");
}

/** REGISTRATION, STATUS_LIST, STATE, VERSION: two signed or live sources, of which the worse one wins. */
function judgeRegister({ registration, status }) {
  const state = registration.known ? registration.value : undefined;
  const known = registration.known && state !== null ? registration : notKnown(registration);
  return [
    dependent(registration, (value) => (value === null ? fail("NOT_REGISTERED", "NOT_IN_REGISTER") : PASS)),
    dependent(status, (value) => judgeStatus(value, state)),
    dependent(known, judgeState),
    dependent(known, (value) => (value === "SUPERSEDED" ? fail("SUPERSEDED") : PASS)),
  ];
}

function notKnown(registration) {
  return registration.known ? { known: false, reason: "NOT_REACHED" } : registration;
}

function judgeStatus(status, state) {
  switch (status) {
    case STATUS.VALID: return PASS;
    case STATUS.SUSPENDED: return fail("SUSPENDED", "STATUS_SUSPENDED");
    case STATUS.SUPERSEDED: return fail("SUPERSEDED", "STATUS_SUPERSEDED");
    // The list has one value for both ends of a license; the register's answer tells them apart.
    default: return fail(state === "CANCELLED" ? "CANCELLED" : "REVOKED", "STATUS_INVALID");
  }
}

function judgeState(state) {
  switch (state) {
    case "ACTIVE":
    case "SUPERSEDED":
      return PASS;
    case "REVOKED":
    case "CANCELLED":
    case "SUSPENDED":
      return fail(state);
    default:
      return notChecked("UNEXPECTED_ANSWER");
  }
}

/** The dates by the phone's clock; when that is off, only if the register's time says the same. */
function judgeDates(code, clock) {
  const byPhone = datesAt(code, clock.phone);
  if (!clock.isOff || datesAt(code, clock.register).reason === byPhone.reason) return byPhone;
  return notChecked("CLOCK_UNCERTAIN");
}

function datesAt({ notBefore, expires }, now) {
  if (now < notBefore) return fail("NOT_YET_VALID");
  return expires !== null && now >= expires ? fail("EXPIRED") : PASS;
}

/** License identifiers (GB/T 36904): their parts, and the check character (ISO 7064 MOD 37,36). */

export const ROOT = "1.2.156.3005.2.";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
// A type is a credit code (GB 32100) and three digits. Agency parts of 6 digits exist in the field and are read.
const CREDIT_CODE = "[0-9A-HJ-NPQRTUWXY]{18}";
const SERIAL = "[0-9A-Z]{1,32}";
const PARTS = new RegExp(
  `^(${CREDIT_CODE}[0-9]{3})\\.(${CREDIT_CODE}|[0-9]{6})\\.(${SERIAL})\\.(?!000)([0-9]{3})\\.([0-9A-Z])$`,
);

/**
 * The parts of an identifier written without its root, or null where its form or its check character is
 * wrong.
 *
 * Some issuers in the field count A as 11; their check characters are wrong here, as the standard has it.
 */
export function parseIdentifier(withoutRoot) {
  const match = PARTS.exec(withoutRoot);
  if (match === null) return null;
  const [, typeCode, agencyId, serial, version, check] = match;
  if (checkCharacter(typeCode + agencyId + serial + version) !== check) return null;
  return { text: ROOT + withoutRoot, typeCode, agencyId, serial, version, check };
}

/** The MOD 37,36 check character of `body`, which holds only 0-9 and A-Z. */
export function checkCharacter(body) {
  let product = 36;
  for (const character of body) {
    const sum = (product + ALPHABET.indexOf(character)) % 36 || 36;
    product = (2 * sum) % 37;
  }
  return ALPHABET[(37 - product) % 36];
}

/**
 * Everything that the page says, in Chinese and in English.
 *
 * Keeps: both languages have the same entries (tests compare them), and every verdict, check and reason has
 * words.
 */

import { EN } from "./words_en.js";
import { ZH } from "./words_zh.js";

export const WORDS = { zh: ZH, en: EN };

/**
 * How a verdict looks: one of good, caution, bad, unknown. Icon and words say the same, so color is never
 * alone.
 */
export const TONES = {
  VALID: "good",
  NOT_YET_VALID: "caution",
  EXPIRED: "caution",
  SUSPENDED: "caution",
  SUPERSEDED: "caution",
  CANCELLED: "bad",
  REVOKED: "bad",
  NOT_REGISTERED: "bad",
  WRONG_SIGNER: "bad",
  KEY_COMPROMISED: "bad",
  BAD_SIGNATURE: "bad",
  UNKNOWN_SIGNER: "bad",
  MALFORMED: "bad",
  REPLAYED: "bad",
  UNCONFIRMED: "unknown",
  CANNOT_CHECK: "unknown",
};

/** "zh" for any Chinese browser, else "en". */
export function preferredLanguage(tags) {
  return tags.length > 0 && !/^zh\b/i.test(tags[0]) ? "en" : "zh";
}

/** A text {zh, en} in `language`; Chinese where English is missing. */
export function inLanguage(text, language) {
  return (language === "en" && text.en) || text.zh;
}

/**
 * The first day of a license: the day in China (UTC+8, whatever the phone's zone) in which `seconds` lies.
 */
export function formatDay(seconds, language) {
  const day = new Date((seconds + 8 * 3600) * 1000);
  return new Intl.DateTimeFormat(LOCALES[language], { dateStyle: "long", timeZone: "UTC" }).format(day);
}

/** A moment by the phone's own zone. */
export function formatMoment(seconds, language) {
  const style = { dateStyle: "long", timeStyle: "medium" };
  return new Intl.DateTimeFormat(LOCALES[language], style).format(new Date(seconds * 1000));
}

const LOCALES = { zh: "zh-CN", en: "en-GB" };

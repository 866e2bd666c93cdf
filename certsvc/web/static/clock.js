/**
 * What time it is: the phone's clock, and how far the register's answers say that it is off.
 *
 * Keeps: the dates of a license are judged by the phone's clock and, when that is off, only trusted where the
 * register's time gives the same answer; how fresh a signed answer is goes by the register's time then.
 */

export const TOLERANCE_SECONDS = 600;

export class Clock {
  #phone;
  #skew = null;
  #fromHeader = false;

  /** `phone` returns seconds since 1970. */
  constructor(phone = () => Date.now() / 1000) {
    this.#phone = phone;
  }

  /** Take the Date (and Age) of an answer that no cache on the phone can have kept. */
  noteAnswer(headers) {
    const sent = Date.parse(headers.get("Date") ?? "") / 1000;
    if (!Number.isFinite(sent)) return;
    const age = Number.parseInt(headers.get("Age") ?? "0", 10) || 0;
    this.#skew = sent + age - this.#phone();
    this.#fromHeader = true;
  }

  /** Take the time of a signature of the register: it is later than now only when the phone is behind. */
  noteSigned(issuedAt) {
    const ahead = issuedAt - this.#phone();
    if (!this.#fromHeader && ahead > TOLERANCE_SECONDS && ahead > (this.#skew ?? 0)) this.#skew = ahead;
  }

  /** The phone's time, in seconds. */
  get phone() {
    return this.#phone();
  }

  /** Whether the phone's clock is known to be more than TOLERANCE_SECONDS off. */
  get isOff() {
    return this.#skew !== null && Math.abs(this.#skew) > TOLERANCE_SECONDS;
  }

  /** The register's time where the phone's is off, else the phone's, in seconds. */
  get register() {
    return this.isOff ? this.#phone() + this.#skew : this.#phone();
  }
}

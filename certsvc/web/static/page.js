/**
 * The verify page: what it was opened with, the running check, and the language.
 *
 * Keeps: only the newest check may show its result; a text that was pasted stays in this page's memory, it
 * goes neither into the address nor into any store.
 */

import { Clock } from "./clock.js";
import { canVerify, verify } from "./verify.js";
import { busyBanner, checkList, element, licenseCard, note, scanHelp, verdictBanner } from "./view.js";
import { inLanguage, preferredLanguage, WORDS } from "./words.js";

const NOTHING_KNOWN = { checks: [], code: null, key: null, type: null, host: null, judgedAt: null };

class Page {
  #language = preferredLanguage(navigator.languages ?? [navigator.language]);
  #text = "";
  #result = null;
  #running = null;
  #clock = new Clock();

  start() {
    byId("fallback").remove();
    byId("language").addEventListener("click", () => this.#switchLanguage());
    addEventListener("hashchange", () => this.#open(location.hash.slice(1)));
    // A page that comes back from the browser's memory would show an earlier day's verdict as if it were new.
    addEventListener("pageshow", (event) => event.persisted && this.#check());
    this.#open(location.hash.slice(1));
  }

  #open(text) {
    this.#text = text;
    this.#check();
  }

  async #check() {
    this.#running?.abort();
    this.#running = null;
    this.#result = null;
    if (this.#text === "") return this.#show();
    if (!canVerify()) {
      this.#result = { ...NOTHING_KNOWN, verdict: "CANNOT_CHECK" };
      return this.#show();
    }
    const run = new AbortController();
    this.#running = run;
    this.#clock = new Clock();
    this.#show();
    const result = await this.#verify(run.signal);
    if (this.#running !== run) return undefined;
    this.#running = null;
    this.#result = result;
    return this.#show();
  }

  async #verify(signal) {
    try {
      const base = new URL(".", document.baseURI);
      return await verify(this.#text, { base, clock: this.#clock, signal });
    } catch (error) {
      // A fault of this page must not leave the last words on the screen, nor look like a verdict.
      console.error(error);
      return { ...NOTHING_KNOWN, verdict: "UNCONFIRMED" };
    }
  }

  #switchLanguage() {
    const typed = byId("paste").value;
    this.#language = this.#language === "zh" ? "en" : "zh";
    this.#show();
    byId("paste").value = typed;
  }

  #show() {
    const language = this.#language;
    const words = WORDS[language];
    document.documentElement.lang = words.page.tag;
    byId("heading").textContent = words.page.heading;
    byId("language").textContent = words.page.other;
    byId("language").lang = WORDS[language === "zh" ? "en" : "zh"].page.tag;
    byId("address").textContent = words.scan.address(location.host);
    document.title = this.#title(words);

    const verdict = byId("verdict");
    verdict.setAttribute("aria-busy", String(this.#running !== null));
    verdict.dataset.verdict = this.#result?.verdict ?? "";
    if (this.#running) verdict.replaceChildren(busyBanner(language));
    else verdict.replaceChildren(...(this.#result ? [verdictBanner(this.#result, language)] : []));

    byId("details").replaceChildren(...(this.#result ? this.#details(this.#result) : []));
    const scan = byId("scan");
    scan.hidden = this.#running !== null;
    const onText = (text) => this.#paste(text);
    scan.replaceChildren(scanHelp(language, { alone: this.#text === "", onText }));
  }

  #title(words) {
    if (this.#running) return `${words.page.checking} ${words.page.heading}`;
    if (this.#result === null) return words.page.heading;
    const { verdict, code, type } = this.#result;
    const name = code && type ? inLanguage(type.name, this.#language) : "";
    return [words.verdicts[verdict][0], name, words.page.heading].filter(Boolean).join(" · ");
  }

  #details(result) {
    const words = WORDS[this.#language];
    const remarks = [];
    if (this.#clock.isOff) remarks.push(words.notes.clock);
    if (result.key?.development) remarks.push(words.notes.development);
    const { host } = result;
    if (host !== null && host !== location.hostname) remarks.push(words.notes.host(host));
    const cards = [licenseCard(result, this.#language), checkList(result, this.#language)];
    const isUnconfirmed = result.verdict === "UNCONFIRMED";
    if (isUnconfirmed) cards.unshift(this.#retryButton("primary"));
    else if (result.verdict !== "CANNOT_CHECK") cards.push(this.#retryButton("secondary"));
    return [...remarks.map(note), ...cards.filter((card) => card !== null)];
  }

  #retryButton(rank) {
    const button = element("button", { type: "button", class: rank, id: "retry" });
    button.textContent = WORDS[this.#language].page.retry;
    button.addEventListener("click", async () => {
      await this.#check();
      // The button was drawn anew: who works without a mouse finds the focus where it was.
      byId("retry")?.focus({ preventScroll: true });
    });
    return button;
  }

  #paste(text) {
    // Digits that come by message are often broken into lines.
    const joined = text.replace(/\s+/g, "");
    if (joined === "") return;
    this.#open(joined);
    byId("verdict").scrollIntoView();
  }
}

function byId(id) {
  return document.getElementById(id);
}

new Page().start();

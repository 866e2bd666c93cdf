/**
 * What is shown: pure functions from a result of verify.js and a language to DOM nodes.
 *
 * Keeps: every text is set as text, never as markup, and what a code says stands in elements of its own
 * (bdi), so that its letters cannot change what stands around them. What a code says is only shown once its
 * signature verified.
 */

import { formatDay, formatMoment, inLanguage, TONES, WORDS } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const ROUND = "M24 3a21 21 0 1 0 0 42 21 21 0 0 0 0-42z";
// A shape for each tone: round with a tick, octagon with a cross, triangle with a mark, round with "?".
const ICONS = {
  good: [ROUND, "m14 24.500 7 7 13-14"],
  bad: ["M15.300 3h17.400L45 15.300v17.400L32.700 45H15.300L3 32.700V15.300z", "m16 16 16 16M32 16 16 32"],
  caution: ["M24 4 46 43H2z", "M24 18v11M24 35.500v.6"],
  unknown: [ROUND, "M18 18.500c0-7.500 12-7.500 12 0 0 4.500-6 4.500-6 9.500M24 34.500v.6"],
};
const ROOT_ARCS = 5;
const RESULT_TONES = { PASS: "good", FAIL: "bad", NOT_CHECKED: "unknown" };
// The content may not be the register's: it is shown only on demand, and marked.
const UNTRUSTED = new Set(["UNKNOWN_SIGNER", "KEY_COMPROMISED", "WRONG_SIGNER", "NOT_REGISTERED"]);

/** An element with attributes and children; strings become text nodes. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  setAll(node, attributes);
  node.append(...children);
  return node;
}

function setAll(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}

/** The icon of a tone, in the color of the text around it. */
function icon(tone) {
  const [outline, mark] = ICONS[tone];
  const svg = document.createElementNS(SVG, "svg");
  setAll(svg, { viewBox: "0 0 48 48", "aria-hidden": "true", fill: "none", stroke: "currentColor" });
  setAll(svg, { "stroke-linecap": "round", "stroke-linejoin": "round" });
  for (const [d, width] of [[outline, 3], [mark, 4.5]]) {
    const path = document.createElementNS(SVG, "path");
    setAll(path, { d, "stroke-width": width });
    svg.append(path);
  }
  return svg;
}

/** While a check is under way. */
export function busyBanner(language) {
  const { checking, checkingText } = WORDS[language].page;
  return element("div", { class: "banner busy" },
    element("div", { class: "spinner", "aria-hidden": "true" }),
    element("p", { class: "verdict-name" }, checking),
    element("p", {}, checkingText));
}

/**
 * Verdict: icon, name, one sentence, when it was judged, and for UNCONFIRMED what was not found out.
 */
export function verdictBanner(result, language) {
  const words = WORDS[language];
  const [name, sentence] = words.verdicts[result.verdict];
  const tone = TONES[result.verdict];
  const banner = element("div", { class: `banner ${tone}` }, icon(tone),
    element("p", { class: "verdict-name" }, name),
    element("p", {}, sentence));
  if (result.verdict === "UNCONFIRMED" && result.checks.length > 0) {
    const missing = result.checks.filter((check) => check.result !== "PASS")
      .map((check) => words.checks.names[check.name]);
    const list = words.notes.missing + missing.join(words.notes.listSeparator);
    banner.append(element("p", { class: "findings" }, list));
  }
  if (result.judgedAt !== null) {
    const moment = formatMoment(result.judgedAt, language);
    banner.append(element("p", { class: "judged" }, words.license.judged(moment)));
  }
  return banner;
}

/** A remark beside the verdict. */
export function note(text) {
  const mark = icon("caution");
  mark.setAttribute("class", "caution-mark");
  return element("div", { class: "card note" }, mark, element("p", {}, text));
}

/** What the license says, or null where its signature did not verify. */
export function licenseCard(result, language) {
  if (result.code === null) return null;
  const words = WORDS[language].license;
  const kind = result.type === null ? words.unnamedType : inLanguage(result.type.name, language);
  const heading = element("h2", { class: "kind" }, element("bdi", {}, kind));
  const rows = element("dl", {}, ...licenseRows(result, language));
  if (!UNTRUSTED.has(result.verdict)) {
    return element("section", { class: "card", id: "license", "aria-label": words.heading }, heading, rows);
  }
  const summary = element("summary", {}, element("span", { class: "label" }, words.untrusted));
  return element("details", { class: "card", id: "license" }, summary, heading, rows);
}

function licenseRows({ code, key, type }, language) {
  const words = WORDS[language].license;
  const agency = key.agency === null ? code.identifier.agencyId : inLanguage(key.agency.name, language);
  const rows = [row(words.agency, agency)];
  for (const { name, number } of code.holders) {
    if (name) rows.push(row(words.holder, name));
    if (number) rows.push(row(words.number, number));
  }
  for (const [field, value] of code.fields) {
    const label = type?.labels.get(field);
    rows.push(row(label ? inLanguage(label, language) : words.field(field), fieldText(value, words)));
  }
  const end = code.expires === null ? words.openEnded : formatDay(code.expires - 1, language);
  rows.push(
    row(words.from, formatDay(code.notBefore, language)),
    row(words.until, end),
    row(words.identifier, groupedIdentifier(code.identifier.text)),
    row(words.signed, formatMoment(code.issuedAt, language)),
  );
  return rows;
}

function row(label, value) {
  const shown = element("dd", {}, element("bdi", {}, value));
  return element("div", { class: "row" }, element("dt", {}, label), shown);
}

function fieldText(value, words) {
  if (typeof value === "boolean") return value ? words.yes : words.no;
  return String(value);
}

/**
 * The identifier with room after every part and every four (at its end five) characters, and nothing added to what is copied.
 */
function groupedIdentifier(text) {
  const grouped = element("span", { class: "identifier" });
  const parts = text.split(".");
  const root = parts.splice(0, ROOT_ARCS).join(".");
  [root, ...parts].forEach((part, i) => {
    const dot = i === parts.length ? "" : ".";
    const groups = i === 0 ? [part] : part.match(/.{5}$|.{1,4}/g);
    const marked = groups.map((group, j) => element("i", {}, j === groups.length - 1 ? group + dot : group));
    grouped.append(element("span", {}, ...marked), element("wbr"));
  });
  return grouped;
}

/** The list of checks, closed unless something was not found out. */
export function checkList(result, language) {
  if (result.checks.length === 0) return null;
  const words = WORDS[language];
  const done = result.checks.filter((check) => check.result !== "NOT_CHECKED").length;
  const count = element("span", { class: "count" }, words.checks.count(done, result.checks.length));
  const summary = element("summary", {}, element("span", { class: "label" }, words.checks.heading, count));
  const list = element("ul", { class: "checks" }, ...result.checks.map((check) => checkItem(check, words)));
  const details = element("details", { class: "card", id: "checks" }, summary, list);
  details.open = result.verdict === "UNCONFIRMED";
  return details;
}

function checkItem({ name, result, reason }, words) {
  const mark = icon(RESULT_TONES[result]);
  mark.setAttribute("class", `${RESULT_TONES[result]}-mark`);
  const item = element("li", { "data-check": name, "data-result": result, "data-reason": reason },
    mark,
    element("span", { class: "name" }, words.checks.names[name]),
    element("span", { class: "result" }, words.checks.results[result]));
  // A reason without words is one of the many ways in which a code can be malformed: its name serves support.
  if (reason !== "") item.append(element("span", { class: "reason" }, words.reasons[reason] ?? reason));
  return item;
}

/** How to check a code: as the whole page where none was opened, else closed under a result. */
export function scanHelp(language, { alone, onText }) {
  const words = WORDS[language].scan;
  const field = element("textarea", {
    id: "paste", rows: "3", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
  });
  const look = { type: "button", class: "primary", id: "paste-check" };
  const button = element("button", look, words.pasteButton);
  button.addEventListener("click", () => onText(field.value));
  const paste = [element("label", { for: "paste" }, words.pasteLabel), field, button];
  const steps = element("ol", {}, ...words.steps.map((step) => element("li", {}, step)));
  const privacy = element("p", { class: "privacy" }, words.privacy);
  if (alone) {
    const heading = element("h2", {}, words.heading);
    return element("div", { class: "card" }, heading, element("p", {}, words.intro), steps, privacy, ...paste);
  }
  const summary = element("summary", {}, element("span", { class: "label" }, words.another));
  return element("details", { class: "card" }, summary, element("p", {}, words.intro), privacy, ...paste);
}

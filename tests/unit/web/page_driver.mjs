// Runs the verify page's modules under Node: a list of questions as JSON on stdin, the list of answers on stdout.

import { decode, MalformedError } from "./cbor.js";
import { parseCode, readDigits } from "./code.js";
import { checkCharacter, parseIdentifier } from "./identifier.js";
import { judge } from "./judge.js";
import { NotCheckedError } from "./register.js";
import { inflate, statusAt } from "./status.js";
import { verify } from "./verify.js";
import { formatDay, preferredLanguage, TONES, WORDS } from "./words.js";
import { Clock } from "./clock.js";

const ASK = {
  cbor: ({ hex }) => plain(decode(Uint8Array.from(Buffer.from(hex, "hex")))),
  read: ({ text }) => {
    const { host, digits } = readDigits(text);
    return { host, ...plain(parseCode(digits)) };
  },
  verify: ({ text, keys, now }) => verifyWith(text, keys, now),
  judge: ({ facts, clock }) => judge({ ...facts, flags: flagsFrom(facts.flags) }, clock),
  identifier: ({ text }) => parseIdentifier(text),
  checkCharacter: ({ body }) => checkCharacter(body),
  status: async ({ lst, index }) => statusAt(await inflate(lst), index),
  size: async ({ lst }) => (await inflate(lst)).length,
  day: ({ seconds, language }) => formatDay(seconds, language),
  language: ({ tags }) => preferredLanguage(tags),
  words: () => plain({ words: WORDS, tones: TONES }),
  clock: ({ phone, date, age, signed }) => {
    const clock = new Clock(() => phone);
    if (date) clock.noteAnswer(new Headers({ Date: date, ...(age ? { Age: age } : {}) }));
    if (signed) clock.noteSigned(signed);
    return { isOff: clock.isOff, register: clock.register };
  },
};

/** A register that knows these key records and nothing else. */
async function verifyWith(text, keys, now) {
  const asked = [];
  const fetcher = async (url) => {
    asked.push(url.pathname);
    const record = keys.find((key) => url.pathname === `/keys/${key.kid}`);
    const body = JSON.stringify(record ?? {});
    return new Response(body, { status: record ? 200 : 404, headers: { "Content-Type": "application/json" } });
  };
  const base = new URL("https://register.example/");
  const options = { base, clock: new Clock(() => now), signal: new AbortController().signal, fetcher };
  const { verdict, checks, code, host } = await verify(text, options);
  return { verdict, checks, code: plain(code), host, asked };
}

function flagsFrom(flags) {
  return flags.known ? { known: true, value: new Map(Object.entries(flags.value)) } : flags;
}

/** JSON has no bytes, big integers, maps or functions: hex, text, pairs, and the words "a function". */
function plain(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (value instanceof Map) return [...value].map(([key, item]) => [key, plain(item)]);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

async function answer({ ask, ...question }) {
  try {
    return { value: await ASK[ask](question) };
  } catch (error) {
    if (error instanceof MalformedError || error instanceof NotCheckedError) return { refused: error.reason };
    throw error;
  }
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const answers = [];
for (const question of JSON.parse(Buffer.concat(chunks).toString())) answers.push(await answer(question));
process.stdout.write(JSON.stringify(answers));

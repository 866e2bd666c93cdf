// One request to an oracle: a JSON object on standard input, a JSON object on standard output.
//
// Each oracle script calls `answer` with its operations by name; an operation that throws is answered as
// {"refused": message}, so that a test can tell a refusal from a script that broke (which exits with another code).

import { readFileSync } from "node:fs";

export async function answer(operations) {
  const { operation, ...request } = JSON.parse(readFileSync(0, "utf8"));
  const run = operations[operation];
  if (run === undefined) throw new Error(`no operation ${operation}`);
  let reply;
  try {
    reply = await run(request);
  } catch (error) {
    reply = { refused: String(error.message) };
  }
  process.stdout.write(JSON.stringify(reply));
}

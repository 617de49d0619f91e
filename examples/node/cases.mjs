// What each host must get: the lines or the error of each response, and each dialogue as it was.

import { existsSync, readFileSync, readdirSync } from "node:fs";

const tests = new URL("../../tests/", import.meta.url);
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const read = (url) => text.decode(readFileSync(url));

/** The responses that are text, each with its settings, and the lines or the error that it gives. */
export function cases() {
  const cases = [];
  for (const name of readdirSync(new URL("corpus/", tests)).sort()) {
    const folder = new URL(`corpus/${name}/`, tests);
    const [settings, error] = ["settings.json", "error.txt"].map((file) => new URL(file, folder));
    const file = readdirSync(folder).find((file) => file.startsWith("response."));
    const format = file.split(".")[1];
    if (format === "msgpack") continue;
    let response;
    try {
      response = read(new URL(file, folder));
    } catch {
      continue;
    }
    const known = existsSync(settings) ? JSON.parse(read(settings)) : {};
    const expected = existsSync(error) ? { error: read(error) } : { lines: read(new URL("lines.lp", folder)) };
    cases.push({ name, response, settings: JSON.stringify({ ...known, format }), expected });
  }
  return cases;
}

/** What was said to plans (`> `), and by them (`< `), line by line. */
export function dialogues() {
  const names = readdirSync(new URL("dialogues/", tests));
  return names.map((name) => ({ name, lines: read(new URL(`dialogues/${name}`, tests)).trimEnd().split("\n") }));
}

/** What an instance says to a response, as `expected` of a case. */
export function converted({ convert }, { response, settings }) {
  try {
    return { lines: convert(response, settings) };
  } catch (failure) {
    if (failure.payload === undefined) throw failure;
    return { error: `${failure.payload}\n` };
  }
}

/** The lines of a dialogue, with what a plan says now. */
export function repeated({ plan }, { lines }) {
  let said;
  return lines.map((line) => {
    if (!line.startsWith("> ")) return `< ${said}`;
    said = plan(line.slice(2));
    return line;
  });
}

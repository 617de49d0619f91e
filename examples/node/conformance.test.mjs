// What each host must get: the lines or the error of each response, and each dialogue as it was.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { instance } from "./tsm2iox.mjs";

const tests = new URL("../../tests/", import.meta.url);
const read = (url) => readFileSync(url);

/** Responses that are text. */
function* cases() {
  for (const name of readdirSync(new URL("corpus/", tests)).sort()) {
    const folder = new URL(`corpus/${name}/`, tests);
    const file = readdirSync(folder).find((file) => file.startsWith("response."));
    const format = file.split(".")[1];
    if (format === "msgpack") continue;
    let response;
    try {
      response = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(read(new URL(file, folder)));
    } catch {
      continue;
    }
    const settings = new URL("settings.json", folder);
    const known = existsSync(settings) ? JSON.parse(read(settings)) : {};
    yield { folder, response, settings: JSON.stringify({ ...known, format }) };
  }
}

test("each response gives its lines or its error", () => {
  let checked = 0;
  for (const { folder, response, settings } of cases()) {
    const error = new URL("error.txt", folder);
    let said;
    try {
      said = instance().convert(response, settings);
      assert(!existsSync(error), folder.pathname);
    } catch (failure) {
      if (failure.payload === undefined) throw failure;
      said = `${failure.payload}\n`;
    }
    const expected = read(existsSync(error) ? error : new URL("lines.lp", folder));
    assert(Buffer.from(said).equals(expected), `${folder.pathname}: ${said}`);
    checked += 1;
  }
  assert(checked >= 80, `${checked} cases`);
});

test("each dialogue is what it was", () => {
  const dialogues = readdirSync(new URL("dialogues/", tests));
  assert(dialogues.length >= 12);
  for (const name of dialogues) {
    const { plan } = instance();
    let said;
    for (const line of read(new URL(`dialogues/${name}`, tests)).toString().trimEnd().split("\n")) {
      if (line.startsWith("> ")) said = plan(line.slice(2));
      else assert.equal(said, line.slice(2), name);
    }
  }
});

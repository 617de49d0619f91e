// The example of the browser: a file becomes lines, a configuration batches, and nobody is asked.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { cases, converted, dialogues, repeated } from "../../examples/node/cases.mjs";
import { checkAccessible, launch, open } from "./chromium.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url, "http://localhost").pathname);
  try {
    const content = readFileSync(join(root, "examples", path));
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await launch();
try {
  const url = `http://127.0.0.1:${server.address().port}/browser/index.html`;
  const { page, seen } = await open(browser, url);
  await page.waitForSelector("[data-ready]");
  await converts(page);
  await convertsWhatIsDropped(page);
  await saysWhatIsWrong(page);
  await plans(page);
  await conforms(page);
  await checkAccessible(page);
  assert.deepEqual(seen, { complaints: [], foreign: [] });
} finally {
  await browser.close();
  server.close();
}

async function converts(page) {
  const file = await page.$("#file");
  await file.uploadFile(join(root, "tests/corpus/one_minute/response.csv"));
  await page.waitForFunction(() => document.querySelector("#save").href.startsWith("blob:"));
  const expected = readFileSync(join(root, "tests/corpus/one_minute/lines.lp"), "utf8");
  const shown = await page.$eval("#lines", (element) => element.textContent);
  assert(shown.length > 1000 && expected.startsWith(shown), shown.slice(0, 200));
  const count = expected.trimEnd().split("\n").length;
  assert.equal(await page.$eval("#converted", (element) => element.textContent), `${count} points in response.csv.`);
}

async function convertsWhatIsDropped(page) {
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["cpu f=1 1\ncpu g=2 1\n"], "dropped.lp"));
    const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector("#drop").dispatchEvent(drop);
  });
  await page.waitForFunction(() => document.querySelector("#converted").textContent === "1 point in dropped.lp.");
  assert.equal(await page.$eval("#lines", (element) => element.textContent), "cpu f=1,g=2 1\n");
}

async function saysWhatIsWrong(page) {
  const file = await page.$("#file");
  await file.uploadFile(join(root, "tests/corpus/error_cut_in_a_row/response.csv"));
  const says = "response.csv: line 6: the response stops before its end";
  await page.waitForFunction((says) => document.querySelector("#converted").textContent === says, {}, says);
}

/** The page's component says in Chromium what each host must get. */
async function conforms(page) {
  const inPage = (ask, each) => page.evaluate(`import("./app.js").then(({ instance }) =>
    each => (${ask})(instance(), each)).then((ask) => ask(${JSON.stringify(each)}))`);
  for (const each of cases()) assert.deepEqual(await inPage(converted, each), each.expected, each.name);
  for (const each of dialogues()) assert.deepEqual(await inPage(repeated, each), each.lines, each.name);
}

async function plans(page) {
  await page.click("#split");
  assert.equal(await page.$eval("#planned", (element) => element.textContent), "24 batches:");
  const first = await page.$eval("#batches li", (item) => item.textContent.trim());
  assert.equal(first, "2022-01-01T00:00:00.000Z – 2022-01-01T01:00:00.000Z");
  await page.$eval("#settings", (settings) => { settings.value = "{}"; });
  await page.click("#split");
  assert.match(await page.$eval("#planned", (element) => element.textContent), /^`source.api` is missing/);
}

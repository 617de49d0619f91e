// The live page with a long history. `node many.mjs URL BATCHES`.

import assert from "node:assert/strict";

import { DESKTOP, launch, open } from "./chromium.mjs";

/** As many as a page of a few figures and 25 rows needs, whatever its history. */
const ELEMENTS_MAX = 3000;
/** Whoever waits longer for a click, in milliseconds, is lost; it takes a tenth of that on a busy machine. */
const STEP_MAX = 5000;

const [url, batches] = process.argv.slice(2);
const browser = await launch();
try {
  const { page, seen } = await open(browser, url);
  await page.setViewport(DESKTOP);
  // Whatever stands between thousands.
  await page.waitForFunction(
    (count) => document.querySelector("#page-text").textContent.replaceAll(/[^0-9]/g, "").endsWith(count), {}, batches,
  ).catch(async (error) => {
    throw new Error(await page.$eval("#page-text", (element) => element.textContent), { cause: error });
  });
  const elements = await page.evaluate(() => document.querySelectorAll("*").length);
  assert(elements < ELEMENTS_MAX, `${elements} elements`);
  page.setDefaultTimeout(STEP_MAX);
  await sortsByEachColumn(page);
  await filters(page);
  await turnsPages(page);
  assert.deepEqual(seen, { complaints: [], foreign: [] });
} finally {
  await browser.close();
}

async function sortsByEachColumn(page) {
  for (const button of await page.$$("#columns button")) {
    await button.click();
    const sorted = await button.evaluate((button) => button.closest("th").ariaSort);
    assert.match(sorted, /ascending|descending/);
  }
  // From the first batch of all, and with another click from the last.
  const first = async () => page.$eval("#rows-of-table td", (cell) => cell.textContent);
  await page.click("#columns th:nth-child(1) button");
  assert.equal(await first(), "2022-01-01 00:00:00");
  await page.click("#columns th:nth-child(1) button");
  assert.equal(await first(), "2022-01-07 22:39:00");
}

async function filters(page) {
  const before = await page.$eval("#page-text", (element) => element.textContent);
  await page.type("#filter", "2022-01-03");
  await page.waitForFunction((before) => document.querySelector("#page-text").textContent !== before, {}, before);
  const [first] = await page.$$eval("#rows-of-table tr", (rows) => rows.map((row) => row.textContent));
  assert.match(first, /2022-01-03/);
}

async function turnsPages(page) {
  await page.click("#page-last");
  const last = await page.$eval("#rows-of-table", (rows) => rows.textContent);
  await page.click("#page-first");
  const first = await page.$eval("#rows-of-table", (rows) => rows.textContent);
  assert.notEqual(first, last);
}

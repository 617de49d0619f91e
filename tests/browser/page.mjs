// The live page of a run, as Chromium shows it. `node page.mjs URL`: whoever runs it holds the run until a
// line `go on` comes on standard output, and a second time.

import assert from "node:assert/strict";

import { DESKTOP, Relay, checkAccessible, launch, open } from "./chromium.mjs";

const relay = new Relay();
const browser = await launch();
try {
  const { page, seen } = await open(browser, await relay.open(process.argv[2]));
  await page.setViewport(DESKTOP);
  await loads(page);
  await checkAccessible(page);
  await survivesAReload(page);
  assert.deepEqual(seen.complaints, []);
  await survivesALostConnection(page);
  // Chromium complains of what was broken off here.
  seen.complaints = seen.complaints.filter((text) => !text.includes("net::ERR_"));
  await worksByKeyboard(page);
  await followsTheRun(page);
  await checkAccessible(page);
  // The end of the program is one of the connection.
  assert.deepEqual(seen.complaints.filter((text) => !text.includes("net::ERR_")), []);
  assert.deepEqual(seen.foreign, []);
} finally {
  await browser.close();
  await relay.break();
}

async function loads(page) {
  await shows(page, "#connection-text", "Live");
  await shows(page, "#percent", "46.1");
  assert.match(await text(page, "#range"), /2022-01-01/);
  assert.equal(await rows(page), 3);
  assert.match(await text(page, "#doing"), /batch 2022-01-01T03:00:00Z/);
  assert.match(await text(page, "#settings"), /TOKEN/);
  assert.match(await page.title(), /46.1.*tsm2iox/);
  assert(await page.$("#density svg .done"), "the density of the data is drawn");
  assert(await page.$("#windows svg .quota"), "the quota is drawn");
  const whole = await page.content();
  assert(!whole.includes("secret"), "a token is shown");
}

/** Reads a plot and sorts the table without a pointer. */
async function worksByKeyboard(page) {
  await page.focus("#sizes .canvas");
  await page.keyboard.press("ArrowRight");
  assert.match(await text(page, "#sizes .readout"), /value/);
  await page.focus("#columns th:nth-child(4) button");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#columns th:nth-child(4)").ariaSort === "descending");
}

async function survivesAReload(page) {
  const before = await figures(page);
  await page.reload();
  await shows(page, "#connection-text", "Live");
  assert.deepEqual(await figures(page), before);
}

async function survivesALostConnection(page) {
  const before = await figures(page);
  await relay.break();
  await shows(page, "#connection-text", "Not connected since");
  await relay.mend();
  await shows(page, "#connection-text", "Live");
  assert.deepEqual(await figures(page), before);
}

async function followsTheRun(page) {
  console.log("go on");
  await page.waitForFunction(() => document.querySelectorAll("#rows-of-table tr").length > 3);
  assert.equal(await text(page, "#ending-heading"), "");
  console.log("go on");
  await shows(page, "#ending-heading", "Complete");
  await shows(page, "#percent", "100");
  assert.equal(await rows(page), 7);
}

/** Waits until an element has a text that begins so. */
async function shows(page, selector, beginning) {
  await page.waitForFunction(
    (selector, beginning) => document.querySelector(selector).textContent.trim().startsWith(beginning),
    {}, selector, beginning,
  ).catch(async (error) => {
    throw new Error(`${selector}: ${await text(page, selector)}, not ${beginning}`, { cause: error });
  });
}

function text(page, selector) {
  return page.$eval(selector, (element) => element.textContent.trim());
}

function rows(page) {
  return page.$$eval("#rows-of-table tr", (rows) => rows.length);
}

/** What must be the same whenever one looks. */
async function figures(page) {
  const selectors = ["#percent", "#rows", "#points", "#read", "#written", "#rows-of-table", "#problems", "#settings"];
  await page.waitForFunction(() => !document.body.classList.contains("loading"));
  return Promise.all(selectors.map((selector) => text(page, selector)));
}

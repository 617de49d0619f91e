// `node screenshot.mjs URL FILE`: what a page looks like, as the README shows it.

import { launch, open } from "./chromium.mjs";

const [url, file] = process.argv.slice(2);
const browser = await launch();
try {
  const { page } = await open(browser, url);
  await page.setViewport({ width: 1200, height: 1330, deviceScaleFactor: 1.25 });
  // Until all is drawn.
  await page.waitForFunction(() => document.querySelector("#density svg .done") !== null);
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}

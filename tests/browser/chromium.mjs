// Opens a page in Chromium, and notes all that a page must not do: complain, or ask somebody else.

import assert from "node:assert/strict";
import { createServer, connect } from "node:net";

import axe from "axe-core";
import puppeteer from "puppeteer-core";

export async function launch() {
  const program = process.env.CHROMIUM ?? "/usr/bin/chromium";
  // As root it has no sandbox; and what it loads here was made here.
  const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
  return puppeteer.launch({ executablePath: program, args: [...args, "--force-color-profile=srgb"] });
}

/** A tab that notes what it complains of, and whom it asks. */
export async function open(browser, url) {
  const page = await browser.newPage();
  const seen = { complaints: [], foreign: [] };
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== new URL(url).origin && asked.protocol !== "data:") seen.foreign.push(request.url());
  });
  await page.goto(url);
  return { page, seen };
}

export const DESKTOP = { width: 1280, height: 900 };
// Not `isMobile`: to switch that loads the page anew, and the run may have ended.
export const PHONE = { width: 360, height: 740 };

/** What a person with a screen reader, weak sight or a telephone would meet, in light and in dark. */
export async function checkAccessible(page) {
  for (const scheme of ["light", "dark"]) {
    for (const viewport of [DESKTOP, PHONE]) {
      await page.setViewport(viewport);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      // Evaluated by the debugger: the page itself lets no script in.
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const said = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join()}`);
      assert.deepEqual(said, [], `${scheme}, ${viewport.width} px`);
      const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert(width <= viewport.width, `${width} px do not fit ${viewport.width}`);
    }
  }
  await page.setViewport(DESKTOP);
}

/** Stands between a browser and a server, and can break off. */
export class Relay {
  #sockets = new Set();
  #server;

  /** Listens, and returns the URL through which the server can be reached. */
  async open(url) {
    const { hostname, port } = new URL(url);
    this.#server = createServer((socket) => {
      const other = connect(Number(port), hostname);
      for (const [one, to] of [[socket, other], [other, socket]]) {
        this.#sockets.add(one);
        one.on("error", () => to.destroy()).on("close", () => this.#sockets.delete(one)).pipe(to);
      }
    });
    await this.#listen(0);
    this.port = this.#server.address().port;
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Ends all connections, and takes no more. */
  async break() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  mend() {
    return this.#listen(this.port);
  }

  #listen(port) {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }
}

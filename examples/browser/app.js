// Converts a file and plans a migration with the component, as jco has made JavaScript of it (`npm run transpile` in
// ../node). Knows no CSV, no line protocol and no InfluxDB.

import { instantiate } from "../node/component/tsm2iox.js";

const COMPONENT = "../node/component/";
const MODULES = ["tsm2iox.core.wasm", "tsm2iox.core2.wasm", "tsm2iox.core3.wasm"];
/** As much of a file as is converted at once. */
const PIECE_BYTES = 1 << 20;
/** So many characters of the lines are shown; all of them are saved. */
const SHOWN_MAX = 10_000;
const by = (id) => document.getElementById(id);

const compiled = new Map(await Promise.all(
  MODULES.map(async (name) => [name, await WebAssembly.compileStreaming(fetch(COMPONENT + name))]),
));

/** With a memory of its own, which goes with it. */
export const instance = () => instantiate((name) => compiled.get(name), {});

async function convert(file) {
  const { Conversion } = instance().converter;
  const format = /\.lp$|\.txt$/.test(file.name) ? "lp" : "csv";
  const conversion = Conversion.open(JSON.stringify({ format }));
  const parts = [];
  let points = 0n;
  const take = (converted) => {
    parts.push(converted.lines);
    points += converted.totals.points;
  };
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    take(conversion.push(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer())));
  }
  take(Conversion.finish(conversion));
  return { parts, points };
}

async function show(file) {
  by("lines").hidden = by("save").hidden = true;
  by("converted").textContent = `Converting ${file.name} …`;
  try {
    const { parts, points } = await convert(file);
    by("converted").textContent = `${points} ${points === 1n ? "point" : "points"} in ${file.name}.`;
    by("lines").textContent = parts.join("").slice(0, SHOWN_MAX);
    URL.revokeObjectURL(by("save").href);
    by("save").href = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
    by("lines").hidden = by("save").hidden = false;
  } catch (error) {
    by("converted").textContent = `${file.name}: ${said(error)}`;
  }
}

/** What the component says is wrong; anything else is a fault of this page. */
function said(error) {
  if (error.payload === undefined) throw error;
  const { message, causes, hint } = error.payload;
  return [message, ...causes].join(": ") + (hint === undefined ? "" : ` (${hint})`);
}

/** All batches of a migration of which nothing is recorded. Nobody is asked: a wish to is refused. */
function* batches(settings) {
  const { plan } = instance();
  const call = (message) => JSON.parse(plan(JSON.stringify(message)));
  call({ open: { purpose: "split", settings } });
  while (true) {
    const step = call({ next: { now: Date.now() * 1e6 } });
    if (step.send !== undefined) {
      const { id, endpoint } = step.send;
      const missing = { response: { status: 404, headers: [] } };
      const refused = { failed: { cause: "unreachable", message: "this page asks nobody" } };
      call({ answer: { id, answer: endpoint === "checkpoint" ? missing : refused } });
    } else if (step.read !== undefined) {
      call({ answer: { id: step.read, answer: "end" } });
    } else if (step.batch !== undefined) {
      yield step.batch;
    } else if (step.done !== undefined) {
      const error = step.done.ending.failed ?? step.done.ending.stopped;
      if (error !== undefined) throw Object.assign(new Error(error.message), { payload: error });
      return;
    }
  }
}

function list() {
  const items = [];
  try {
    for (const { range, selection } of batches(JSON.parse(by("settings").value))) {
      const item = document.createElement("li");
      const [start, stop] = [range.start, range.stop].map((time) => new Date(time / 1e6).toISOString());
      item.textContent = `${start} – ${stop} ${selection}`;
      items.push(item);
    }
    by("planned").textContent = `${items.length} ${items.length === 1 ? "batch" : "batches"}:`;
  } catch (error) {
    const payload = typeof error.payload === "string" ? JSON.parse(error.payload) : error.payload;
    by("planned").textContent = error instanceof SyntaxError ? `no JSON: ${error.message}` : said({ payload });
  }
  by("batches").replaceChildren(...items);
}

by("file").addEventListener("change", () => show(by("file").files[0]));
const drop = by("drop");
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length > 0) show(event.dataTransfer.files[0]);
  });
}
by("split").addEventListener("click", list);
by("settings").value = JSON.stringify({
  migration: { start: "2022-01-01T00:00:00Z", stop: "2022-01-02T00:00:00Z", batch_interval: "1h" },
  source: { api: "v2", url: "https://source.example", org: "my-org", bucket: "old" },
  destination: { api: "v3", url: "https://destination.example", bucket: "new" },
}, null, 2);
document.body.dataset.ready = "";

// The live page: takes the state and the events of the server, keeps one model of them, and
// shows what changed. After a lost connection the server sends the whole state again, so the
// model never has to guess what it missed.

import * as figures from "./figures.js";
import * as format from "./format.js";
import { showNotes, showRefused, showSettings } from "./lists.js";
import * as overview from "./overview.js";
import { Plot } from "./plots.js";
import { Table } from "./table.js";

// The page may be open for weeks; what it keeps is what the server keeps.
const BATCHES_MAX = 10_000;
const WINDOWS_MAX = 2_000;
const ENTRIES_MAX = 1_000;
// Events may come many times a second; nobody reads faster than this.
const REDRAW_AFTER = 500;
const RECONNECT_AFTER = 3000;

const model = {
  state: null, // as the server sent it, its lists kept up to date
  migration: null,
  batches: [],
  windows: [],
  clock_ahead: 0, // the clock of the server less that of the browser
};
const connection = { lost: null, heard: null };
const changed = new Set();
let redraw_planned = false;
let in_hand_drawn = "";

const announcer = new overview.Announcer();
const plots = {
  density: new Plot(document.getElementById("density"), figures.density),
  sizes: new Plot(document.getElementById("sizes"), figures.sizes),
  windows: new Plot(document.getElementById("windows"), figures.windowBytes),
};
const table = new Table(() => plan("batches"));

const serverNow = () => Date.now() + model.clock_ahead;

const withTimes = (batch) => ({
  ...batch, from: format.milliseconds(batch.start), to: format.milliseconds(batch.stop),
});

/** A batch with what sorting and filtering ask for again and again. */
function listed(batch, order) {
  return {
    ...withTimes(batch), order,
    // Without the Z, texts of any number of fraction digits sort as their times do.
    start_key: batch.start.slice(0, -1), stop_key: batch.stop.slice(0, -1),
    words: `${format.time(batch.start)} ${format.time(batch.stop)} ${batch.start} ${batch.section || "all data"}`
      .toLowerCase(),
  };
}

const withFrom = (window) => ({ ...window, from: format.milliseconds(window.start) });

const inMilliseconds = ({ start, stop }) => ({ start: format.milliseconds(start), stop: format.milliseconds(stop) });

function takeNow(now) {
  model.clock_ahead = format.milliseconds(now) - Date.now();
}

const takers = {
  state(state) {
    model.state = state;
    model.migration = state.migration && inMilliseconds(state.migration);
    model.batches = state.batches.map(listed);
    model.windows = state.windows.map(withFrom);
    takeNow(state.now);
    plan("progress", "batches", "windows", "notes", "refused", "ending", "settings");
  },
  progress({ progress, now, window, migration }) {
    model.state.progress = progress;
    takeNow(now);
    if (model.migration === null && migration !== null) {
      model.state.migration = migration;
      model.migration = inMilliseconds(migration);
      plan("settings", "batches");
    }
    if (model.state.ending !== null) {
      // The next round has begun.
      model.state.ending = null;
      plan("ending");
    }
    if (window) {
      const newest = withFrom(window);
      if (model.windows.at(-1)?.start === newest.start) model.windows.pop();
      model.windows.push(newest);
      model.windows.splice(0, model.windows.length - WINDOWS_MAX);
      plan("windows");
    }
    plan("progress");
  },
  batch(batch) {
    const order = (model.batches.at(-1)?.order ?? -1) + 1;
    model.batches.push(listed(batch, order));
    if (model.batches.length > BATCHES_MAX) model.batches.shift();
    plan("batches");
  },
  note: (note) => keep(model.state.notes, note, "notes"),
  refused: (refused) => keep(model.state.refused, refused, "refused"),
  ending(ending) {
    model.state.ending = ending;
    plan("progress", "ending");
  },
};

function keep(list, entry, part) {
  list.push(entry);
  list.splice(0, list.length - ENTRIES_MAX);
  plan(part);
}

/** Not an animation frame: those stop in a hidden tab, whose title should still tell. */
function plan(...parts) {
  for (const part of parts) changed.add(part);
  if (redraw_planned) return;
  redraw_planned = true;
  setTimeout(redraw, changed.has("settings") ? 0 : REDRAW_AFTER);
}

function redraw() {
  redraw_planned = false;
  const { progress, ending, settings, notes, refused, version, migration } = model.state;
  const parts = new Set(changed);
  changed.clear();
  if (parts.has("settings")) {
    overview.showMigration(version, migration);
    showSettings(settings);
  }
  if (parts.has("progress")) {
    overview.showProgress(progress, ending, serverNow());
    announcer.progress(progress.percent);
  }
  if (parts.has("ending")) {
    overview.showEnding(ending);
    // After the percentage: of two announcements at once, the last is heard.
    announcer.ending(ending);
  }
  // Of the progress, the plot shows which batches are in hand, and not how far they are.
  const in_hand = progress.batches.map(({ start, stop }) => `${start}/${stop}`).join();
  if (parts.has("batches") || in_hand !== in_hand_drawn) showDensity(progress);
  in_hand_drawn = in_hand;
  if (parts.has("windows")) plots.windows.update({ windows: model.windows, limits: progress.limits });
  if (parts.has("batches")) {
    plots.sizes.update({ batches: model.batches });
    table.update(model.batches);
  }
  if (parts.has("notes")) showNotes(notes);
  if (parts.has("refused")) showRefused(refused);
  document.body.classList.remove("loading");
  tick();
}

function showDensity(progress) {
  // A full list may have a longer history that is not in it.
  const incomplete = model.batches.length >= BATCHES_MAX;
  document.getElementById("unlisted").hidden = !incomplete;
  plots.density.update({
    migration: model.migration, batches: model.batches, running: progress.batches.map(withTimes), incomplete,
  });
}

/** What changes by time alone. */
function tick() {
  const now = Date.now();
  const ended = model.state?.ending ?? null;
  overview.showConnection(connection, ended !== null, now);
  announcer.connection(connection.lost, ended !== null, now);
  if (model.state === null) return;
  const { progress } = model.state;
  const until = progress.until === null ? null : format.milliseconds(progress.until);
  overview.showWaiting(until, serverNow());
  overview.showTitle(progress, ended, until !== null && until > serverNow(), connection.lost !== null);
}

function connect() {
  // Relative, so that the page also works behind a proxy that adds a path.
  const events = new EventSource("events");
  for (const [name, take] of Object.entries(takers)) {
    events.addEventListener(name, (event) => {
      connection.heard = Date.now();
      connection.lost = null;
      take(JSON.parse(event.data));
    });
  }
  events.addEventListener("error", () => {
    connection.lost ??= Date.now();
    tick();
    // After an answer other than 200, as of a proxy, the browser gives up; this page does not.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, RECONNECT_AFTER);
  });
}

setInterval(tick, 1000);
connect();

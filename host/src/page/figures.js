// The three plots: what is put together for them, and how it is said in words.

import * as format from "./format.js";
import { bars, horizontal, panel, round, shape, ticksMax, whiskers } from "./plots.js";

const BARS_MAX = 240;
const WINDOWS_SHOWN_MAX = 120;
const HOUR = 3_600_000;

/** One bar for at least four pixels; narrower ones cannot be told apart. */
const barsMax = (width, most) => Math.max(10, Math.min(most, Math.floor((width - 70) / 4)));

/** Values by the time of the data, and below it which part is done, in hand, left. */
export function density({ migration, batches, running, incomplete }, width) {
  const title = "Values by the time of the data";
  if (migration === null) {
    return blank(width, 218, title, "The range of the migration is not known yet.");
  }
  const { start, stop } = migration;
  const bins = spread({ start, stop, batches, running, incomplete }, barsMax(width, BARS_MAX));
  const unit = densityUnit(stop - start);
  const height = (bin) => bin.rows / (bin.covered || bin.stop - bin.start) * unit.length;
  const top = 28;
  const area = panel({
    width, top, height: 110, most: bins.reduce((most, bin) => Math.max(most, height(bin)), 0) || 1,
    unit: `values per ${unit.name}`, text: format.brief,
  });
  const scale = (area.right - area.left) / (stop - start);
  const x = (at) => area.left + (at - start) * scale;
  const marks = bins.map((bin) => ({
    ...bin, x: x(bin.start), width: (bin.stop - bin.start) * scale,
    text: () => `${format.span(bin.start, bin.stop)}: ${
      bin.covered > 0 ? `${format.brief(height(bin))} values per ${unit.name}, ` : ""}${stateText(bin)}`,
  }));
  const ticks = format.timeTicks(start, stop, ticksMax(width)).map((tick) => ({ x: x(tick.at), text: tick.text }));
  const strip = area.bottom + 8;
  const parts = { left: 0, running: 0, done: 0, none: 0, unlisted: 0 };
  for (const { state, covered, start, stop } of bins) {
    // What is partly done is left, or in hand, in the strip, and counts as what it is in the sum, as in the head.
    const done = state === "left" || state === "running" ? covered / (stop - start) : 0;
    parts[state] += 1 - done;
    parts.done += done;
  }
  return {
    height: 218, marks, title,
    shapes: [
      ...area.shapes, bars(area, marks, height), ...stripShapes(marks, strip),
      ...horizontal({ area, y: strip + 18, ticks, title: `time of the data, ${yearsText(start, stop)}`, width }),
    ],
    about: `Height: values per ${unit.name} of the data. The strip below shows what is done.`,
    summary: batches.some(({ section }) => section !== "")
      ? "Read in sections: of a time that is done, some may be left." : sharesText(parts, bins.length),
  };
}

const STATES = {
  done: "done", none: "done, holds no values", running: "in hand", left: "left",
  unlisted: "older than the batches listed",
};

function sharesText(parts, all) {
  const texts = Object.entries(STATES).filter(([state]) => parts[state] > 0)
    .map(([state, name]) => `${format.percent(parts[state] / all * 100)} ${name}`);
  return `Of the time: ${texts.join("; ")}.`;
}

const stateText = (bin) => bin.state === "left" && bin.covered > 0 ? "partly left" : STATES[bin.state];

/** Done values and time, added up in equal parts of the migration. */
function spread({ start, stop, batches, running, incomplete }, parts) {
  const length = (stop - start) / parts;
  const bins = Array.from({ length: parts }, (_, index) => ({
    start: start + index * length, stop: start + (index + 1) * length, rows: 0, covered: 0, busy: 0,
  }));
  const add = (from, to, amount, key) => {
    const clamp = (index) => Math.max(0, Math.min(parts - 1, index));
    const first = clamp(Math.floor((from - start) / length));
    const last = clamp(Math.ceil((to - start) / length) - 1);
    if (first >= last) {
      bins[first][key] += amount;
      return;
    }
    for (let index = first; index <= last; index += 1) {
      const overlap = Math.min(to, bins[index].stop) - Math.max(from, bins[index].start);
      bins[index][key] += amount * overlap / (to - from);
    }
  };
  // A part of the time may be done in several sections: values add up, time counts once.
  let reached = start;
  const sorted = [...batches].sort((one, other) => one.from - other.from);
  for (const batch of sorted) {
    add(batch.from, batch.to, batch.rows, "rows");
    const from = Math.max(batch.from, reached), to = Math.min(batch.to, stop);
    if (to > from) {
      add(from, to, to - from, "covered");
      reached = to;
    }
  }
  for (const batch of running) add(batch.from, batch.to, 1, "busy");
  // A migration goes on in time, so what no longer is in a full list lies before it.
  const listed_from = incomplete ? sorted[0].from : start;
  for (const bin of bins) bin.state = stateOf(bin, listed_from);
  return bins;
}

function stateOf({ start, stop, rows, covered, busy }, listed_from) {
  if (busy > 0) return "running";
  if (start < listed_from) return "unlisted";
  // The smallest hole must be seen: only what is done from end to end is called done. The
  // fraction is for sums of rounded numbers.
  if (covered < (stop - start) * (1 - 1e-6)) return "left";
  return rows > 0 ? "done" : "none";
}

/** Neighbours of one state are one mark. */
function stripShapes(marks, y) {
  const shapes = [];
  for (let first = 0; first < marks.length;) {
    let after = first;
    while (after < marks.length && marks[after].state === marks[first].state) after += 1;
    const { state, x } = marks[first];
    const place = {
      x: round(x) + 0.5, y, height: 12,
      width: Math.max(2, round(marks[after - 1].x + marks[after - 1].width - x) - 1),
    };
    shapes.push(shape("rect", { class: state === "running" ? "left" : state, ...place }));
    if (state === "running") shapes.push(shape("rect", { fill: "url(#hatch)", ...place }));
    if (state === "none") {
      shapes.push(shape("path", { class: "none-line", d: `M${place.x} ${y + 6}h${place.width}` }));
    }
    first = after;
  }
  return shapes;
}

/** The unit in which a density is a number that one can imagine. */
function densityUnit(length) {
  if (length > 60 * format.DAY) return { name: "day", length: format.DAY };
  if (length > format.DAY) return { name: "hour", length: HOUR };
  return { name: "minute", length: 60_000 };
}

function yearsText(start, stop) {
  const [from, to] = [start, stop - 1].map((at) => new Date(at).getUTCFullYear());
  return from === to ? `${from}` : `${from} to ${to}`;
}

/** Values of batches in the order in which they were recorded. */
export function sizes({ batches }, width) {
  const title = "Values per batch";
  if (batches.length === 0) return blank(width, 216, title, "No batch is done yet.");
  const each = Math.ceil(batches.length / barsMax(width, BARS_MAX));
  const groups = [];
  for (let index = 0; index < batches.length; index += each) groups.push(group(batches, index, each));
  const largest = groups.reduce((most, one) => Math.max(most, one.largest), 0);
  const area = panel({ width, top: 28, height: 140, most: largest || 1, unit: "values", text: format.brief });
  // A few batches get bars, not blocks.
  const step = (area.right - area.left) / Math.max(groups.length, 24);
  const marks = groups.map((one, index) => ({ ...one, x: area.left + index * step, width: step }));
  const ticks = format.valueTicks(batches.length)
    .map((tick) => Math.max(1, Math.round(tick)))
    .map((number) => ({ number, x: area.left + (number - 0.5) / each * step }))
    .filter(({ x }, index, all) => x <= area.right && (index === 0 || x - all[index - 1].x > 30));
  const mean = batches.reduce((sum, batch) => sum + batch.rows, 0) / batches.length;
  return {
    height: 216, marks, title,
    shapes: [
      ...area.shapes, whiskers(area, each > 1 ? marks : [], (mark) => mark.largest),
      bars(area, marks, (mark) => mark.mean),
      ...horizontal({
        area, width, y: area.bottom, title: "batches in the order recorded",
        ticks: ticks.map(({ number, x }) => ({ x, text: format.count(number) })),
      }),
    ],
    about: each === 1 ? "Each bar is a batch."
      : `Each bar is the mean of ${each} batches; the line above it, their largest.`,
    summary: `${format.counted(batches.length, "batch", "batches")}: on average ${format.counted(mean, "value")}, `
      + `at most ${format.count(largest)}, the last ${format.count(batches.at(-1).rows)}.`,
  };
}

function group(batches, index, each) {
  const part = batches.slice(index, index + each);
  const mean = part.reduce((sum, batch) => sum + batch.rows, 0) / part.length;
  const largest = part.reduce((most, batch) => Math.max(most, batch.rows), 0);
  const number = index + 1;
  return {
    mean, largest,
    text: () => part.length === 1
      ? `Batch ${format.count(number)}: ${format.counted(mean, "value")}; ${format.range(part[0].start, part[0].stop)}`
      : `Batches ${format.count(number)} to ${format.count(number + part.length - 1)}: `
        + `on average ${format.counted(mean, "value")}, at most ${format.count(largest)}`,
  };
}

/** Bytes of the newest windows against the quotas, read and written each on its own scale. */
export function windowBytes({ windows, limits }, width) {
  const title = "Bytes per window, read and written";
  if (windows.length === 0) return blank(width, 216, title, "No window has begun yet.");
  const length = limits.window_seconds * 1000;
  const newest = windows.at(-1).from;
  const room = barsMax(width, WINDOWS_SHOWN_MAX);
  const span = Math.round((newest - windows[0].from) / length) + 1;
  const slots = Math.min(room, Math.max(24, span));
  // A few windows begin at the left; later ones push the oldest out.
  const start = span < slots ? windows[0].from : newest - (slots - 1) * length;
  const shown = windows.filter((window) => window.from >= start);
  const panels = [
    { key: "read", top: 28, quota: limits.read_bytes, unit: "read" },
    { key: "written", top: 115, quota: limits.write_bytes, unit: "written" },
  ];
  const shapes = [];
  let area, marks;
  for (const { key, top, quota, unit } of panels) {
    const most = shown.reduce((all, window) => Math.max(all, window[key]), quota ?? 0) || 1;
    area = panel({ width, top, height: 53, most, unit, text: format.roundBytes });
    const step = (area.right - area.left) / slots;
    marks = shown.map((window) => ({
      window, x: area.left + (window.from - start) / length * step, width: step,
      text: () => windowText(window, length, limits),
    }));
    shapes.push(...area.shapes, bars(area, marks, (mark) => mark.window[key]));
    if (quota !== null) shapes.push(...quotaShapes(area, quota));
  }
  const stop = start + slots * length;
  const scale = (area.right - area.left) / (stop - start);
  const ticks = format.timeTicks(start, stop, ticksMax(width))
    .map((tick) => ({ x: area.left + (tick.at - start) * scale, text: tick.text }));
  shapes.push(...horizontal({ area, width, y: area.bottom, ticks, title: "begin of the window, UTC" }));
  return {
    height: 216, marks, title, shapes,
    about: `Each bar is a window of ${windowLength(limits.window_seconds)}; `
      + (limits.read_bytes === null && limits.write_bytes === null
        ? "there is no quota." : "the dashed line is the quota."),
    summary: `Newest window, ${windowText(windows.at(-1), length, limits)}.`,
  };
}

const windowLength = (seconds) =>
  seconds % 60 === 0 ? format.counted(seconds / 60, "minute") : format.counted(seconds, "second");

function quotaShapes(area, quota) {
  const y = round(area.y(quota));
  return [
    shape("path", { class: "quota", d: `M${area.left} ${y}H${area.right}` }),
    shape("text", { class: "quota-text end", x: area.right, y: y - 5 }, `quota ${format.roundBytes(quota)}`),
  ];
}

function windowText(window, length, limits) {
  const part = (amount, quota) => format.bytes(amount)
    + (quota === null ? "" : ` (${format.percent(amount / quota * 100)} of the quota)`);
  const places = length < 60_000 ? [11, 19] : length < 24 * HOUR ? [11, 16] : [0, 10];
  const short = (at) => new Date(at).toISOString().slice(...places);
  return `${short(window.from)} – ${short(window.from + length)}: read ${part(window.read, limits.read_bytes)}, `
    + `written ${part(window.written, limits.write_bytes)}`;
}

function blank(width, height, title, summary) {
  return {
    height, marks: [], title, about: "", summary,
    shapes: [
      shape("rect", { class: "blank", x: 0.5, y: 0.5, width: width - 1, height: height - 1 }),
      shape("text", { class: "middle", x: width / 2, y: height / 2 + 4 }, summary),
    ],
  };
}

// Texts for numbers, bytes, durations and times. All times of the page are UTC, as those of
// InfluxDB are, so that a time on the page can be found in a log or typed into a query.

const GAP = "\u00a0";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
export const DAY = 86_400_000;

export const count = (number) => whole.format(number);

/** A count in a few characters, for axes and densities: `1.2M`. */
export const brief = (number) => short.format(number);

export function counted(number, one, many = `${one}s`) {
  return `${count(number)}${GAP}${number === 1 ? one : many}`;
}

/** Rounded down: "100 %" must not be read while something is left. */
export const percent = (number) => `${(Math.floor(number * 10) / 10).toFixed(1)}${GAP}%`;

export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  // 999.5 would be printed as 1000 of the smaller unit.
  while (number >= 999.5 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return `${number.toFixed(digits)}${GAP}${units[unit]}`;
}

/** For numbers that stay: without the zeros that keep changing ones in place. */
export const roundBytes = (number) => bytes(number).replace(/[\d.]+/, (digits) => Number(digits));

/** The two largest units; more would only flicker. */
export function duration(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const pair = (large, name, small, name_small) =>
    `${Math.floor(all / large)}${GAP}${name} ${Math.floor((all % large) / small)}${GAP}${name_small}`;
  if (all < 60) return `${all}${GAP}s`;
  if (all < 600) return pair(60, "min", 1, "s");
  // Of what takes longer, seconds only flicker.
  if (all < 3600) return `${Math.floor(all / 60)}${GAP}min`;
  if (all < 86_400) return pair(3600, "h", 60, "min");
  return pair(86_400, "d", 3600, "h");
}

/** Milliseconds of a time of the server; browsers promise to read three fraction digits only. */
export const milliseconds = (time) => Date.parse(time.replace(/(\.\d{3})\d+/, "$1"));

/** A time of the server with all its digits, as one reads it. */
export const time = (text) => text.replace("T", " ").replace("Z", "");

/** `14:10:00`, or with its day where that is not the day of `today`. */
export function clock(at, today) {
  const text = new Date(at).toISOString().slice(11, 19);
  return Math.floor(at / DAY) === Math.floor(today / DAY) ? text : `${day(at)}, ${text}`;
}

export function day(at) {
  const date = new Date(at);
  return `${date.getUTCDate()}${GAP}${MONTHS[date.getUTCMonth()]}${GAP}${date.getUTCFullYear()}`;
}

/** A range of times; the day is said once where it is one day. */
export function range(start, stop) {
  const [from, to] = [time(start), time(stop)];
  return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
}

/** The same of milliseconds, as precise as helps, for what was put together for a plot. */
export function span(start, stop) {
  const text = (at) => new Date(at).toISOString().slice(0, stop - start < 600_000 ? 19 : 16);
  return range(text(start), text(stop));
}

const SECOND = 1000, MINUTE = 60_000, HOUR = 3_600_000;
const STEPS = [
  SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY,
];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120, 600];

/** Ticks of a time axis, at most `most`: [{ at, text }]. */
export function timeTicks(start, stop, most) {
  const step = STEPS.find((each) => (stop - start) / each <= most);
  if (step === undefined) return monthTicks(start, stop, most);
  const ticks = [];
  for (let at = Math.ceil(start / step) * step; at <= stop; at += step) {
    const text = new Date(at).toISOString();
    const midnight = at % DAY === 0;
    ticks.push({
      at,
      text: midnight ? day(at).slice(0, -5) : step < MINUTE ? text.slice(11, 19) : text.slice(11, 16),
    });
  }
  return ticks;
}

function monthTicks(start, stop, most) {
  const first = new Date(start), last = new Date(stop);
  const month = (date) => date.getUTCFullYear() * 12 + date.getUTCMonth();
  const step = MONTH_STEPS.find((each) => (month(last) - month(first)) / each <= most) ?? 1200;
  const ticks = [];
  for (let index = Math.ceil(month(first) / step) * step; index <= month(last); index += step) {
    const at = Date.UTC(Math.floor(index / 12), index % 12);
    const year = Math.floor(index / 12);
    if (at >= start) ticks.push({ at, text: step >= 12 ? `${year}` : `${MONTHS[index % 12]}${GAP}${year}` });
  }
  return ticks;
}

/** Round values from 0 to at least `most`, three to five of them. */
export function valueTicks(most) {
  const rough = Math.max(most, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough) * power;
  const ticks = [];
  for (let index = 0; ; index += 1) {
    ticks.push(index * step);
    if (index * step >= most) return ticks;
  }
}

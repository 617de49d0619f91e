// The head of the page: percent, time left, what is done now, totals, the end, the
// connection, the title of the document, and the few announcements.

import * as format from "./format.js";
import { element } from "./lists.js";
import { setText } from "./plots.js";

const by = (id) => document.getElementById(id);

// A blink of the connection is not worth an announcement.
const LOST_ANNOUNCED_AFTER = 5000;
// An estimate of ten years and more says nothing but that.
const YEARS_MAX = 10 * 365 * 86_400;
// A page that is connected and hears nothing should say so before somebody wonders.
const SILENCE_SHOWN_AFTER = 30_000;

// `hint` is for an ending without one of its own; `next` reassures.
const STAYS = "Every batch in the table stays done; the same command goes on from there.";
const ENDINGS = {
  complete: {
    heading: "Complete", icon: "M4 12.5l5 5L20 6.5", hint: "",
    next: "Nothing is left to migrate.",
  },
  different: {
    heading: "Complete, but the two sides differ", icon: "M12 3L22 20H2ZM12 9v5M12 16.5v1",
    hint: "see what was set aside under Refused lines",
    next: "No batch is left to migrate.",
  },
  stopped: {
    heading: "Stopped", icon: "M8 5v14M16 5v14",
    hint: "run the same command to resume", next: STAYS,
  },
  failed: {
    heading: "Failed", icon: "M5 5l14 14M19 5L5 19",
    hint: "correct what the message names, then run the same command again", next: STAYS,
  },
};

export function showMigration(version, migration) {
  setText(by("version"), version);
  if (migration !== null) setText(by("range"), `Migrates ${format.range(migration.start, migration.stop)} UTC`);
}

export function showProgress(progress, ending, now) {
  setText(by("percent"), format.percent(progress.percent));
  by("bar").value = progress.percent;
  setText(by("rows"), format.count(progress.rows));
  setText(by("points"), `in ${format.counted(progress.points, "point")}`);
  setText(by("rate"), format.count(progress.rate));
  setText(by("read"), format.bytes(progress.read));
  setText(by("written"), format.bytes(progress.written));
  setText(by("rejected"), format.count(progress.rejected));
  by("rejected").classList.toggle("some", progress.rejected > 0);
  setText(by("doing"), progress.doing || "–");
  showInHand(progress.batches);
  showTimeLeft(progress, ending, now);
}

function showTimeLeft({ seconds_left }, ending, now) {
  const ended = ending !== null;
  const known = !ended && seconds_left !== null && seconds_left < YEARS_MAX;
  setText(by("left"), ended ? "Ended" : known ? format.duration(seconds_left) : "Not known yet");
  // To the minute: seconds of an estimate only flicker.
  const at = known ? format.clock(now + seconds_left * 1000, now).slice(0, -3) : "";
  setText(by("left-label"), ended ? "" : known ? `left; ends at about ${at}` : "time left");
}

/** There are as many places as batches were ever in hand at once: nothing below them moves. */
function showInHand(batches) {
  const list = by("in-hand");
  while (list.children.length < Math.max(1, batches.length)) {
    const item = element("li", "");
    item.append(element("span", "when"), element("span", "what quiet"));
    list.append(item);
  }
  [...list.children].forEach((item, index) => {
    const batch = batches[index];
    const [when, what] = item.children;
    setText(when, batch ? format.range(batch.start, batch.stop) : "no batch");
    setText(what, batch
      ? [batch.section, batch.doing, format.counted(batch.rows, "value")].filter((text) => text).join(", ") : "");
  });
}

/** Called each second: the countdown. */
export function showWaiting(until, now) {
  const waits = until !== null && until > now;
  const text = waits
    ? `until ${format.clock(until, now)}, ${format.duration((until - now) / 1000)} more` : "no";
  setText(by("waiting"), text);
  by("waiting").classList.toggle("some", waits);
}

export function showEnding(ending) {
  by("overview").dataset.ended = ending === null ? "" : ending.status;
  by("ending").hidden = ending === null;
  for (const row of document.querySelectorAll("[data-while=running]")) row.hidden = ending !== null;
  if (ending === null) return;
  const known = ENDINGS[ending.status];
  by("ending-icon").setAttribute("d", known.icon);
  setText(by("ending-heading"), known.heading);
  setText(by("ending-message"), [ending.message, ...ending.causes].join(": "));
  setText(by("ending-hint-text"), ending.hint ?? known.hint);
  by("ending-hint").hidden = (ending.hint ?? known.hint) === "";
  setText(by("ending-next"), known.next);
}

export function showTitle(progress, ending, waits, lost) {
  const state = ending ? ENDINGS[ending.status].heading : waits ? "waiting" : "";
  const parts = [lost && !ending ? "not connected" : "", format.percent(progress.percent), state, "tsm2iox"];
  document.title = parts.filter((part) => part).join(" · ");
}

/** `connection` is { lost: time or null, heard: time or null }, by the clock of the browser. */
export function showConnection({ lost, heard }, ended, now) {
  const header = by("connection");
  const since = lost === null ? "" : format.clock(lost, now);
  if (lost !== null) {
    header.dataset.state = ended ? "ended" : "lost";
    setText(by("connection-text"), ended
      ? `Not connected since ${since}; the command has ended`
      : `Not connected since ${since}; all below is from then. Trying again`);
  } else if (heard === null) {
    header.dataset.state = "connecting";
    setText(by("connection-text"), "Connecting");
  } else {
    header.dataset.state = "live";
    const silence = now - heard;
    setText(by("connection-text"), ended || silence < SILENCE_SHOWN_AFTER
      ? "Live" : `Live, but nothing new for ${format.duration(silence / 1000)}`);
  }
}

/** Says milestones to a screen reader; what was so when the page opened is no news. */
export class Announcer {
  constructor() {
    this.tens = null;
    this.ended = null;
    this.lost = false;
  }

  progress(percent) {
    const tens = Math.floor(percent / 10);
    if (this.tens !== null && tens > this.tens) this.say(`${tens * 10} percent migrated.`);
    this.tens = tens;
  }

  ending(ending) {
    const status = ending === null ? "" : ending.status;
    if (this.ended !== null && status !== "" && status !== this.ended) {
      this.say(`${ENDINGS[status].heading}. ${ending.message}`);
    }
    this.ended = status;
  }

  connection(lost, ended, now) {
    const long = lost !== null && !ended && now - lost > LOST_ANNOUNCED_AFTER;
    if (long && !this.lost) this.say("The connection is lost. The page tries again by itself.");
    this.lost = long;
  }

  say(text) {
    by("milestones").textContent = text;
  }
}

// Messages, refused lines, and settings: texts of the server, always inserted as text.

import * as format from "./format.js";
import { setText } from "./plots.js";

// Older entries are in the output of the command; a page of thousands helps nobody.
const ENTRIES_SHOWN_MAX = 200;
const SEVERITIES = { error: "Error", warning: "Warning", info: "Information" };

const by = (id) => document.getElementById(id);

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A list with the newest first that adds what is new and leaves the rest where it is. */
class List {
  constructor(id, build) {
    this.list = by(id);
    this.build = build;
    this.known = new Set();
  }

  update(entries) {
    const shown = entries.slice(-ENTRIES_SHOWN_MAX);
    // A new state, after a lost connection, holds equal entries as new objects.
    const keys = new Set(shown.map((entry) => JSON.stringify(entry)));
    for (const entry of shown) {
      const key = JSON.stringify(entry);
      if (this.known.has(key)) continue;
      const item = this.build(entry);
      item.entry_key = key;
      this.list.prepend(item);
    }
    for (const item of [...this.list.children]) {
      if (!keys.has(item.entry_key)) item.remove();
    }
    this.known = keys;
  }
}

const lists = {
  problems: new List("problems", noteItem),
  information: new List("information", noteItem),
  refused: new List("refused", refusedItem),
};

export function showNotes(notes) {
  const problems = notes.filter((note) => note.severity !== "info");
  const information = notes.filter((note) => note.severity === "info");
  lists.problems.update(problems);
  lists.information.update(information);
  by("problems-empty").hidden = problems.length > 0;
  by("problems-box").hidden = problems.length === 0;
  by("information-box").hidden = information.length === 0;
  setText(by("information-count"), format.count(information.length));
  const errors = problems.filter((note) => note.severity === "error").length;
  const warnings = problems.length - errors;
  const parts = [];
  if (errors > 0) parts.push(format.counted(errors, "error"));
  if (warnings > 0) parts.push(format.counted(warnings, "warning"));
  const attention = by("attention");
  setText(attention, parts.join(" and ") || "no errors, no warnings");
  attention.dataset.severity = errors > 0 ? "error" : warnings > 0 ? "warning" : "none";
}

export function showRefused(refused) {
  lists.refused.update(refused);
  by("refused-empty").hidden = refused.length > 0;
  by("refused-box").hidden = refused.length === 0;
}

function noteItem(note) {
  const item = element("li", `note ${note.severity}`);
  const head = element("p", "head");
  head.append(
    element("strong", "severity", SEVERITIES[note.severity]), " ",
    element("time", "quiet", format.time(note.time)),
  );
  item.append(head, element("p", "text", note.message));
  if (note.hint !== null) {
    const hint = element("p", "hint");
    hint.append(element("strong", "", "What to do: "), note.hint);
    item.append(hint);
  }
  return item;
}

function refusedItem(refused) {
  const item = element("li", "note");
  item.append(element("p", "quiet", format.time(refused.time)), element("code", "", refused.text));
  return item;
}

export function showSettings(settings) {
  const groups = Object.entries(settings).map(([name, group]) => {
    const box = element("section", "");
    box.append(element("h3", "", name));
    const list = element("dl", "");
    const entries = group !== null && typeof group === "object" ? Object.entries(group) : [["", group]];
    for (const [key, value] of entries) {
      const pair = element("div", "");
      pair.append(element("dt", "", key), element("dd", "", settingText(value)));
      list.append(pair);
    }
    box.append(list);
    return box;
  });
  by("settings").replaceChildren(...groups);
}

function settingText(value) {
  if (value === null) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}

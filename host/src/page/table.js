// The table of batches: sorted, filtered, and shown in pages, so that 10 000 rows cost as
// much as 25, and a screen reader meets an ordinary table.

import * as format from "./format.js";
import { setText } from "./plots.js";

const ROWS_PER_PAGE = 25;

const COLUMNS = [
  { key: "start", name: "Start", text: (batch) => format.time(batch.start), sort: (batch) => batch.start_key },
  { key: "stop", name: "Stop", text: (batch) => format.time(batch.stop), sort: (batch) => batch.stop_key },
  { key: "section", name: "Section", text: (batch) => batch.section || "all data" },
  { key: "rows", name: "Values", text: (batch) => format.count(batch.rows) },
  { key: "points", name: "Points", text: (batch) => format.count(batch.points) },
  { key: "read", name: "Read", text: (batch) => format.bytes(batch.read) },
  { key: "written", name: "Written", text: (batch) => format.bytes(batch.written) },
  { key: "rejected", name: "Refused", text: (batch) => format.count(batch.rejected) },
  { key: "recorded", name: "Recorded", text: (batch) => format.time(batch.recorded), sort: (batch) => batch.order },
];
const TEXT_COLUMNS = new Set(["start", "stop", "section", "recorded"]);

export class Table {
  constructor(changed) {
    this.changed = changed;
    this.column = COLUMNS.at(-1);
    this.descending = true;
    this.page = 0;
    this.batches = [];
    this.shown = [];
    this.body = document.getElementById("rows-of-table");
    this.filter = document.getElementById("filter");
    this.only_refused = document.getElementById("only-refused");
    this.follow = document.getElementById("follow");
    this.buildHead();
    this.buildControls();
  }

  buildHead() {
    this.heads = COLUMNS.map((column) => {
      const head = document.createElement("th");
      head.scope = "col";
      head.className = TEXT_COLUMNS.has(column.key) ? "" : "number";
      const button = document.createElement("button");
      button.type = "button";
      const arrow = document.createElement("span");
      arrow.className = "arrow";
      arrow.setAttribute("aria-hidden", "true");
      button.append(column.name, arrow);
      button.addEventListener("click", () => this.sortBy(column));
      head.append(button);
      return { column, head, arrow };
    });
    document.getElementById("columns").replaceChildren(...this.heads.map(({ head }) => head));
    this.markHead();
  }

  buildControls() {
    const again = () => {
      this.page = 0;
      this.refresh();
    };
    this.filter.addEventListener("input", again);
    this.only_refused.addEventListener("change", again);
    this.follow.addEventListener("change", this.changed);
    const pages = {
      "page-first": () => 0, "page-previous": () => this.page - 1,
      "page-next": () => this.page + 1, "page-last": () => this.pages() - 1,
    };
    this.buttons = Object.entries(pages).map(([id, target]) => {
      const button = document.getElementById(id);
      button.addEventListener("click", () => {
        this.page = Math.max(0, Math.min(this.pages() - 1, target()));
        this.render();
      });
      return { button, target };
    });
  }

  sortBy(column) {
    // Times and texts are first wanted from the begin, numbers from the largest.
    this.descending = this.column === column ? !this.descending : !TEXT_COLUMNS.has(column.key);
    this.column = column;
    this.page = 0;
    this.markHead();
    this.refresh();
  }

  markHead() {
    for (const { column, head, arrow } of this.heads) {
      const sorted = column === this.column;
      head.setAttribute("aria-sort", !sorted ? "none" : this.descending ? "descending" : "ascending");
      setText(arrow, !sorted ? "" : this.descending ? "▼" : "▲");
    }
  }

  /** Shows new batches, unless the reader holds the table still. */
  update(batches) {
    if (!this.follow.checked && this.batches.length > 0) return;
    this.batches = batches.slice();
    this.refresh();
  }

  refresh() {
    const words = this.filter.value.trim().toLowerCase();
    const value = this.column.sort ?? ((batch) => batch[this.column.key]);
    const direction = this.descending ? -1 : 1;
    this.shown = this.batches
      .filter((batch) => (!this.only_refused.checked || batch.rejected > 0) && batch.words.includes(words))
      .sort((one, other) => {
        const [a, b] = [value(one), value(other)];
        return a < b ? -direction : a > b ? direction : other.order - one.order;
      });
    this.page = Math.max(0, Math.min(this.page, this.pages() - 1));
    this.render();
  }

  pages() {
    return Math.ceil(this.shown.length / ROWS_PER_PAGE);
  }

  render() {
    const first = this.page * ROWS_PER_PAGE;
    const part = this.shown.slice(first, first + ROWS_PER_PAGE);
    while (this.body.rows.length > part.length) this.body.deleteRow(-1);
    while (this.body.rows.length < part.length) this.addRow();
    part.forEach((batch, index) => {
      const { cells } = this.body.rows[index];
      COLUMNS.forEach((column, place) => setText(cells[place], column.text(batch)));
      cells[7].classList.toggle("some", batch.rejected > 0);
    });
    const all = this.batches.length === this.shown.length ? "" : ` of ${format.count(this.batches.length)}`;
    setText(document.getElementById("page-text"), this.shown.length === 0
      ? (this.batches.length === 0 ? "No batch is done yet." : "No batch fits the filter.")
      : `${format.count(first + 1)} to ${format.count(first + part.length)} of `
        + `${format.counted(this.shown.length, "batch", "batches")}${all && ` (filtered${all})`}`);
    for (const { button, target } of this.buttons) {
      // Not `disabled`: the button would lose the focus on the last page.
      const there = target();
      const useless = there === this.page || there < 0 || there >= this.pages();
      button.setAttribute("aria-disabled", String(useless));
    }
  }

  addRow() {
    const row = this.body.insertRow();
    for (const column of COLUMNS) {
      row.insertCell().className = TEXT_COLUMNS.has(column.key) ? column.key : "number";
    }
  }
}

// What all plots share: the SVG, its text alternative, axes, bars, and reading single bars by
// pointer or arrow keys. It knows nothing of batches.

import * as format from "./format.js";

const MARGIN = { left: 58, right: 12 };

export function shape(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export class Plot {
  /**
   * `draw(data, width)` gives { height, shapes, marks, title, about, summary }; a mark is
   * { x, width, text() }, from left to right.
   */
  constructor(figure, draw) {
    this.draw = draw;
    this.canvas = figure.querySelector(".canvas");
    this.about = figure.querySelector(".about");
    this.readout = figure.querySelector(".readout");
    this.data = null;
    this.marks = [];
    this.resting = "";
    this.cursor_x = null;
    this.width = 0;

    this.title = shape("title", { id: `${figure.id}-title` });
    this.description = shape("desc", { id: `${figure.id}-description` });
    this.drawing = shape("g", {});
    this.cursor = shape("rect", { class: "cursor", y: 0, width: 0, height: 0 });
    this.svg = shape("svg", {
      role: "img", "aria-labelledby": `${this.title.id} ${this.description.id}`,
    }, this.title, this.description, this.cursor, this.drawing);
    this.canvas.append(this.svg);

    // The width is drawn as it is, not scaled: text stays readable on a phone.
    new ResizeObserver(([entry]) => {
      this.width = Math.floor(entry.contentRect.width);
      this.redraw();
    }).observe(this.canvas);
    const follow = (event) => this.readAt(event.clientX - this.canvas.getBoundingClientRect().left);
    this.canvas.addEventListener("pointermove", follow);
    this.canvas.addEventListener("pointerdown", follow);
    this.canvas.addEventListener("pointerleave", () => this.readAt(null));
    this.canvas.addEventListener("blur", () => this.readAt(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  update(data) {
    this.data = data;
    this.redraw();
  }

  redraw() {
    if (this.data === null || this.width === 0) return;
    const drawn = this.draw(this.data, this.width);
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", drawn.height);
    this.cursor.setAttribute("height", drawn.height);
    this.drawing.replaceChildren(...drawn.shapes);
    this.marks = drawn.marks;
    // Where nothing is to be read, the drawing itself says why.
    this.resting = drawn.marks.length > 0 ? drawn.summary : "";
    setText(this.title, drawn.title);
    setText(this.description, drawn.summary);
    setText(this.about, drawn.about);
    this.readAt(this.cursor_x);
  }

  key(event) {
    const last = this.marks.length - 1;
    const now = this.cursor_x === null ? null : this.nearest(this.cursor_x);
    const next = {
      ArrowLeft: now === null ? last : Math.max(0, now - 1),
      ArrowRight: now === null ? 0 : Math.min(last, now + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") this.readAt(null);
    if (next === undefined || last < 0) return;
    event.preventDefault();
    this.readAt(this.marks[next].x + this.marks[next].width / 2);
  }

  nearest(x) {
    const distance = (mark) => Math.abs(mark.x + mark.width / 2 - x);
    return this.marks.reduce((best, mark, index) =>
      distance(mark) < distance(this.marks[best]) ? index : best, 0);
  }

  /** The place is kept, not the bar: while batches come in, the reader stays where they look. */
  readAt(x) {
    this.cursor_x = x;
    const mark = x === null ? undefined : this.marks[this.nearest(x)];
    this.cursor.setAttribute("width", mark ? Math.max(mark.width, 3) : 0);
    this.cursor.setAttribute("x", mark ? mark.x : 0);
    setText(this.readout, mark ? mark.text() : this.resting);
  }
}

/** Leaves unchanged text alone: neither a selection nor a screen reader is disturbed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The place for bars within a plot: grid, values at the left, unit above. */
export function panel({ width, top, height, most, unit, text }) {
  const ticks = format.valueTicks(most).filter((tick) => tick <= most);
  const left = MARGIN.left, right = width - MARGIN.right, bottom = top + height;
  const y = (value) => bottom - (value / most) * height;
  const shapes = [shape("text", { class: "unit", x: 0, y: top - 12 }, unit)];
  for (const tick of ticks) {
    shapes.push(
      shape("path", { class: tick === 0 ? "axis" : "grid", d: `M${left} ${round(y(tick))}H${right}` }),
      shape("text", { class: "tick end", x: left - 8, y: round(y(tick)) + 4 }, text(tick)),
    );
  }
  return { shapes, left, right, top, bottom, y };
}

/** Texts below a panel; those that would leave the plot are moved to its end. */
export function horizontal({ area, y, ticks, title, width }) {
  const shapes = ticks.map(({ x, text }) => {
    const end = x > area.right - 24 ? " end" : x < area.left + 12 ? "" : " middle";
    return shape("g", {},
      shape("path", { class: "axis", d: `M${x} ${y}V${y + 5}` }),
      shape("text", { class: `tick${end}`, x: end === " end" ? Math.min(x + 12, width) : x, y: y + 18 }, text));
  });
  shapes.push(shape("text", { class: "unit middle", x: (area.left + area.right) / 2, y: y + 38 }, title));
  return shapes;
}

/** How many time texts fit into a width. */
export const ticksMax = (width) => Math.max(2, Math.floor((width - MARGIN.left) / 72));

/** All bars as one path: hundreds of marks cost one element. */
export function bars(area, marks, value) {
  const parts = marks.filter((mark) => value(mark) > 0).map((mark) => {
    // A value must be seen, however small it is beside the largest.
    const y = Math.min(area.y(value(mark)), area.bottom - 1.5);
    const gap = mark.width > 3 ? 1 : 0;
    return `M${round(mark.x)} ${area.bottom}V${round(y)}h${round(mark.width - gap)}V${area.bottom}Z`;
  });
  return shape("path", { class: "bars", d: parts.join("") });
}

/** Thin lines up to the largest of what one bar stands for. */
export function whiskers(area, marks, value) {
  const parts = marks.filter((mark) => value(mark) > 0)
    .map((mark) => `M${round(mark.x + mark.width / 2)} ${area.bottom}V${round(area.y(value(mark)))}`);
  return shape("path", { class: "whiskers", d: parts.join("") });
}

export const round = (number) => Math.round(number * 10) / 10;

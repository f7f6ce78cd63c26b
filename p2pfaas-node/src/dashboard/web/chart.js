// Charts over the last five minutes, drawn as SVG.

import { element, setAttributes, setText, shape } from "./dom.js";

const SPAN_MS = 300_000;
// A longer silence between two points is a gap in the line.
const GAP_MS = 5_000;
const HEIGHT = 190;
const EDGE = { top: 10, right: 8, bottom: 24, left: 58 };

/**
 * A chart in `host` with its legend in `legend`. `series` is a list of `{ name, colour, value(point), kind }`; kinds
 * are `stack` (one upon the other), `line` and `dashed`. `format` writes a value.
 */
export class Chart {
  constructor(host, legend, { title, series, format, least = 1, low = false }) {
    Object.assign(this, { host, series, format, least, low, points: [], chosen: null });
    this.svg = shape("svg", { role: "img", tabindex: 0, height: HEIGHT, class: "plot" });
    this.title = title;
    this.grid = shape("g", { class: "grid-lines" });
    this.marks = shape("g", {});
    this.cursor = shape("line", { class: "cursor", visibility: "hidden" });
    this.paths = series.map((one) => shape("path", { class: `${one.kind} ${one.colour}` }));
    this.empty = shape("text", { class: "empty", "text-anchor": "middle" });
    // Lines are drawn over areas.
    const order = [...this.paths].sort((one, other) => other.classList.contains("stack") - one.classList.contains("stack"));
    this.marks.append(...order);
    this.svg.append(this.grid, this.marks, this.cursor, this.empty);
    host.append(this.svg);
    this.values = series.map((one) => {
      const value = element("b");
      legend.append(element("li", {}, element("i", { class: `sample ${one.kind} ${one.colour}` }), `${one.name} `, value));
      return value;
    });
    this.listen();
    new ResizeObserver(() => this.draw()).observe(host);
  }

  show(points) {
    this.points = points;
    this.draw();
  }

  listen() {
    this.svg.addEventListener("pointermove", (event) => {
      const at = event.clientX - this.svg.getBoundingClientRect().left;
      this.choose(this.points.findIndex((point) => this.x(point) >= at));
    });
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") this.choose(null);
      if (!step) return;
      event.preventDefault();
      const last = this.points.length - 1;
      const from = this.chosen ? this.points.indexOf(this.chosen) : last + 1;
      this.choose(Math.min(Math.max(from + step, 0), last));
    });
  }

  choose(index) {
    this.chosen = index === null ? null : (this.points[index] ?? null);
    this.tell();
  }

  x(point) {
    const end = this.points[this.points.length - 1].at_ms;
    return this.width - EDGE.right - ((end - point.at_ms) / SPAN_MS) * (this.width - EDGE.left - EDGE.right);
  }

  y(value) {
    const [low, high] = this.range;
    return EDGE.top + (1 - (value - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  }

  draw() {
    this.width = Math.max(this.host.clientWidth, 200);
    setAttributes(this.svg, { width: this.width, viewBox: `0 0 ${this.width} ${HEIGHT}` });
    this.stacks = this.points.map((point) => this.stacked(point));
    const all = this.stacks.flat().flat().filter((value) => value !== null);
    this.axis(all);
    const middle = { x: (this.width + EDGE.left) / 2, y: HEIGHT / 2 - 22 };
    setAttributes(this.empty, middle);
    setText(this.empty, all.length > 0 ? "" : "nothing yet");
    this.series.forEach((one, index) => {
      const runs = this.runs(index);
      const path = one.kind === "stack" ? runs.map((run) => this.area(run)) : runs.map((run) => this.line(run));
      this.paths[index].setAttribute("d", path.join(""));
    });
    this.tell();
  }

  /** From where to where each series reaches at a point; `null` where it has no value. */
  stacked(point) {
    let below = 0;
    return this.series.map((one) => {
      const value = one.value(point);
      if (value === null || value === undefined) return null;
      if (one.kind !== "stack") return [value, value];
      below += value;
      return [below - value, below];
    });
  }

  /** The points of a series, split where it has gaps. */
  runs(index) {
    const runs = [];
    let before = null;
    this.points.forEach((point, place) => {
      const reach = this.stacks[place][index];
      if (reach !== null) {
        if (before === null || point.at_ms - before.at_ms > GAP_MS) runs.push([]);
        runs[runs.length - 1].push([this.x(point), this.y(reach[0]), this.y(reach[1])]);
      }
      before = reach === null ? null : point;
    });
    return runs;
  }

  line(run) {
    return run.map(([x, , y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  }

  area(run) {
    const back = [...run].reverse().map(([x, y]) => `L${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    return `${this.line(run)}${back}Z`;
  }

  axis(values) {
    const highest = Math.max(this.least, ...values);
    const lowest = this.low ? Math.min(0, ...values) : 0;
    const step = niceStep((highest - lowest) / 4);
    this.range = [Math.floor(lowest / step) * step, Math.ceil(highest / step - 1e-9) * step];
    const children = [];
    for (let value = this.range[0]; value <= this.range[1] + step / 2; value += step) {
      const y = this.y(value).toFixed(1);
      children.push(shape("line", { x1: EDGE.left, x2: this.width - EDGE.right, y1: y, y2: y }));
      const text = this.format(Math.abs(value) < step / 2 ? 0 : value);
      children.push(shape("text", { x: EDGE.left - 6, y, dy: "0.32em", "text-anchor": "end" }, text));
    }
    for (let minutes = 0; minutes <= 5; minutes += 1) {
      const across = this.width - EDGE.left - EDGE.right;
      const x = this.width - EDGE.right - (minutes / 5) * across;
      const text = minutes === 0 ? "now" : `−${minutes} min`;
      const anchor = minutes === 0 ? "end" : "middle";
      children.push(shape("text", { x, y: HEIGHT - 7, "text-anchor": anchor }, text));
    }
    this.grid.replaceChildren(...children);
  }

  /** The values at the chosen point, else the newest ones. */
  tell() {
    if (this.chosen && !this.points.includes(this.chosen)) this.chosen = null;
    const point = this.chosen ?? this.points[this.points.length - 1];
    const x = this.chosen && this.range ? this.x(this.chosen) : 0;
    setAttributes(this.cursor, {
      x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom, visibility: this.chosen ? "visible" : "hidden",
    });
    const told = this.series.map((one, index) => {
      const value = point ? one.value(point) : null;
      const text = value === null || value === undefined ? "–" : this.format(value);
      setText(this.values[index], text);
      return `${one.name} ${text}`;
    });
    const when = this.chosen ? `${Math.round((this.points.at(-1).at_ms - point.at_ms) / 1_000)} s ago` : "now";
    setAttributes(this.svg, { "aria-label": `${this.title}, ${when}: ${told.join(", ")}` });
  }
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}

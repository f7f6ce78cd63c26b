// Elements and texts. Text is set as text, never as markup: names come from other machines.

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  return document.getElementById(id);
}

/** An element with attributes and children (elements or texts). */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in a drawing. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

export function setAttributes(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) target.removeAttribute(name);
    else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value === true ? "" : value);
  }
}

/** Changes a text only if it is another one: what is selected or read aloud stays as it is. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** A number with three digits that matter. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e7 ? 0 : 1)} M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(size >= 1e5 ? 0 : 1)} k`;
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** Things in a second. */
export function rate(value) {
  return Math.abs(value) < 100 && !Number.isInteger(value) ? value.toFixed(1).replace(/\.0$/, "") : number(value);
}

/** A time in milliseconds, in a unit that fits. */
export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 60_000) return `${number(value / 60_000)} min`;
  return value >= 1_000 ? `${number(value / 1_000)} s` : `${number(value)} ms`;
}

/** How long something has been going on. */
export function duration(seconds) {
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (hours < 1) return `${minutes} min`;
  return days < 1 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

export function percent(share) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share > 0.999 || share < 0.001 ? 0 : 1)} %` : "–";
}

/** Makes a list of children the size of `items`, and lets `update(child, item)` fill each. */
export function fill(parent, items, make, update) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(make());
  items.forEach((item, index) => update(parent.children[index], item));
}

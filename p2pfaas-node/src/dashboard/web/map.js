// The best action by state, over two numbers of the state: a square for each pair of values, the larger the more
// often the agent was there.

import { byId, element, fill, setAttributes, setText, shape } from "./dom.js";

const FIXED = ["reject", "run here", "probe one"];
const LETTERS = ["R", "H", "P"];
// Values along a side, at most; more of them are put together.
const MAX_SIDE = 40;
const EDGE = { top: 6, right: 8, bottom: 40, left: 52 };

export function actionName(action, peers) {
  if (action === null) return "no opinion";
  return FIXED[action] ?? `forward to ${peers[action - 3] ?? `peer ${action - 3}`}`;
}

function letter(action) {
  if (action === null) return "";
  return LETTERS[action] ?? `F${action - 3}`;
}

function colour(action) {
  if (action === null) return "action-none";
  return action < 3 ? `action-${action}` : `action-forward-${(action - 3) % 8}`;
}

export function map() {
  const sides = [byId("map-x"), byId("map-y")];
  const svg = shape("svg", { role: "img", class: "plot" });
  byId("map").append(svg);
  let learned = null;
  const draw = () => learned && show(svg, learned, sides.map((side) => Number(side.value)));
  for (const side of sides) side.addEventListener("change", draw);
  new ResizeObserver(draw).observe(byId("map"));
  return {
    show(newest) {
      learned = newest;
      choices(sides, learned);
      draw();
    },
  };
}

/** Offers the numbers of the state; at first the first two that are not the same everywhere. */
function choices(sides, { features, states }) {
  const width = Math.max(features.length, ...states.map(({ state }) => state.length), 0);
  const names = Array.from({ length: width }, (_, place) => features[place] ?? `number ${place + 1}`);
  const known = [...sides[0].options].map(({ textContent }) => textContent);
  if (names.join() === known.join() && sides[0].dataset.chosen === "well") return;
  const differs = (place) => states.some(({ state }) => state[place] !== states[0].state[place]);
  const telling = names.map((_, place) => place).filter(differs);
  const first = [...telling, 0, Math.min(1, width - 1)];
  sides.forEach((side, place) => {
    side.replaceChildren(...names.map((name, value) => element("option", { value }, name)));
    side.value = String(Math.max(first[place], 0));
    // While all states are alike, the choice is made anew.
    side.dataset.chosen = telling.length > 0 ? "well" : "";
  });
}

/** The values that a number takes, put together where they are too many. */
function scale(states, place) {
  const values = [...new Set(states.map(({ state }) => state[place] ?? 0))].sort((one, other) => one - other);
  const [low, high] = [values[0] ?? 0, values.at(-1) ?? 0];
  const width = Math.max(1, Math.ceil((high - low + 1) / MAX_SIDE));
  return { low, width, count: Math.floor((high - low) / width) + 1, at: (value) => Math.floor((value - low) / width) };
}

function cells(states, x, y, across, up) {
  const all = new Map();
  for (const one of states) {
    const [column, row] = [across.at(one.state[x] ?? 0), up.at(one.state[y] ?? 0)];
    const key = `${column},${row}`;
    const cell = all.get(key) ?? { column, row, visits: 0, states: 0, votes: new Map() };
    cell.visits += one.visits;
    cell.states += 1;
    // Where it has never been since the node began, a state counts a little.
    cell.votes.set(one.best, (cell.votes.get(one.best) ?? 0) + one.visits + 1e-3);
    all.set(key, cell);
  }
  return [...all.values()].map((cell) => {
    const votes = [...cell.votes].sort((one, other) => other[1] - one[1]);
    const sum = votes.reduce((total, [, weight]) => total + weight, 0);
    return { ...cell, best: votes[0][0], agreed: votes[0][1] / sum };
  });
}

function show(svg, { states, states_known: known, beyond, features, peers }, [x, y]) {
  const name = (place) => features[place] ?? `number ${place + 1}`;
  const [across, up] = [scale(states, x), scale(states, y)];
  const all = cells(states, x, y, across, up);
  const space = Math.max(byId("map").clientWidth, 200) - EDGE.left - EDGE.right;
  const side = Math.min(46, space / across.count, 440 / up.count);
  const width = EDGE.left + EDGE.right + space;
  const height = EDGE.top + EDGE.bottom + side * up.count;
  setAttributes(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
  const most = Math.max(1, ...all.map(({ visits }) => visits));
  const children = [frame(across.count * side, up.count * side)];
  for (const cell of all) {
    const size = side * (0.42 + 0.52 * (Math.log1p(cell.visits) / Math.log1p(most)));
    const [left, top] = [EDGE.left + (cell.column + 0.5) * side, EDGE.top + (up.count - cell.row - 0.5) * side];
    const told = `${name(x)} ${values(across, cell.column)}, ${name(y)} ${values(up, cell.row)}: ` +
      `${actionName(cell.best, peers)}${cell.agreed < 0.999 ? ` (${Math.round(100 * cell.agreed)} % of the visits)` : ""}, ` +
      `${cell.visits} visits in ${cell.states} states`;
    const square = shape("rect", {
      x: left - size / 2, y: top - size / 2, width: size, height: size, rx: Math.min(3, size / 6), class: colour(cell.best),
    }, shape("title", {}, told));
    children.push(square);
    if (size >= 15) children.push(shape("text", { x: left, y: top, dy: "0.34em", class: "letter" }, letter(cell.best)));
  }
  children.push(...labels(across, up, side, height, [name(x), name(y)]));
  svg.replaceChildren(...children);
  legend(all, peers);
  const left = known > states.length ? `, of ${known}` : "";
  const missed = beyond > 0 ? ` ${beyond} choices in further states are not counted.` : "";
  const text = states.length > 0
    ? `The best action in ${states.length} states${left}. The larger a square, the more choices were made there since the node began.${missed}`
    : "No choice has been made yet.";
  setText(byId("map-about"), text);
  byId("map").hidden = byId("map-sides").hidden = byId("states-details").hidden = states.length === 0;
  setAttributes(svg, { "aria-label": `Policy map over ${name(x)} and ${name(y)}: ${all.length} cells. The table below has the states.` });
}

function frame(width, height) {
  return shape("rect", { x: EDGE.left, y: EDGE.top, width, height, class: "frame" });
}

function values({ low, width }, place) {
  const first = low + place * width;
  return width === 1 ? `${first}` : `${first}–${first + width - 1}`;
}

function labels(across, up, side, height, [nameX, nameY]) {
  const made = [];
  const every = (count, room) => Math.max(1, Math.ceil((count * room) / Math.max(count * side, 1)));
  for (let column = 0; column < across.count; column += every(across.count, 30)) {
    const x = EDGE.left + (column + 0.5) * side;
    made.push(shape("text", { x, y: height - EDGE.bottom + 15, "text-anchor": "middle" }, `${across.low + column * across.width}`));
  }
  for (let row = 0; row < up.count; row += every(up.count, 16)) {
    const y = EDGE.top + (up.count - row - 0.5) * side;
    made.push(shape("text", { x: EDGE.left - 6, y, dy: "0.34em", "text-anchor": "end" }, `${up.low + row * up.width}`));
  }
  const middle = EDGE.top + (up.count * side) / 2;
  made.push(shape("text", { x: EDGE.left, y: height - 6, class: "name" }, `${nameX} →`));
  made.push(shape("text", { x: 12, y: middle, class: "name", transform: `rotate(-90 12 ${middle})`, "text-anchor": "middle" }, `${nameY} →`));
  return made;
}

function legend(all, peers) {
  const actions = [...new Set(all.map(({ best }) => best))].sort((one, other) => (one ?? -1) - (other ?? -1));
  const item = () => element("li", {}, element("i"), "");
  fill(byId("map-legend"), actions, item, (line, action) => {
    setAttributes(line.firstChild, { class: `sample square ${colour(action)}` });
    line.lastChild.textContent = `${letter(action)} ${actionName(action, peers)}`.trim();
  });
}

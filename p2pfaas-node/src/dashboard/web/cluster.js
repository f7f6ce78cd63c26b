// The peers: at a glance as a grid, and as a table that can be sorted and searched.

import { byId, element, fill, milliseconds, number, setAttributes, setText } from "./dom.js";

const STATES = {
  up: "up", left_alone: "left alone", suspected: "suspected", dead: "dead", gone: "gone",
};
const ORDER = Object.keys(STATES);

const COLUMNS = [
  { name: "Peer", key: (peer) => peer.name },
  { name: "State", key: (peer) => ORDER.indexOf(peer.state) },
  { name: "Load", key: (peer) => share(peer) ?? -1, number: true },
  { name: "Heard", key: (peer) => peer.age_ms ?? Infinity, number: true },
  { name: "Reply", key: (peer) => peer.round_trip_ms ?? Infinity, number: true },
];

let table = { peers: [], offers: [], known: 0 };
let sorting = { column: 1, down: true };

export function cluster() {
  const head = byId("peer-head");
  COLUMNS.forEach((column, place) => {
    const button = element("button", { type: "button" }, column.name);
    button.addEventListener("click", () => {
      sorting = { column: place, down: sorting.column === place ? !sorting.down : false };
      show();
    });
    head.append(element("th", { scope: "col" }, button));
  });
  byId("peer-filter").addEventListener("input", show);
  byId("peer-state").addEventListener("change", show);
  return {
    snapshot(snapshot) {
      table = snapshot.cluster;
      show();
    },
  };
}

/** Running and waiting jobs by slots. */
function share(peer) {
  return peer.load ? (peer.load[0] + peer.load[1]) / Math.max(peer.load[2], 1) : null;
}

function functions(peer) {
  return peer.offers === null ? "" : table.offers[peer.offers].join(", ");
}

function shown() {
  const wanted = byId("peer-filter").value.trim().toLowerCase();
  const state = byId("peer-state").value;
  const fits = (peer) =>
    (!state || (peer.state === "up") === (state === "up")) &&
    (!wanted || `${peer.name} ${peer.id ?? ""} ${functions(peer)} ${STATES[peer.state]}`.toLowerCase().includes(wanted));
  const key = COLUMNS[sorting.column].key;
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : (one > other) - (one < other));
  const turn = sorting.down ? -1 : 1;
  return table.peers
    .filter(fits)
    .sort((one, other) => turn * compare(key(one), key(other)) || compare(one.name, other.name));
}

function show() {
  summary();
  [...byId("peer-head").children].forEach((cell, place) => {
    const sort = place === sorting.column ? (sorting.down ? "descending" : "ascending") : null;
    setAttributes(cell, { "aria-sort": sort, class: COLUMNS[place].number ? "number" : null });
  });
  const peers = shown();
  const all = table.peers.length;
  setText(byId("peer-count"), peers.length === all ? "" : `${peers.length} of ${all}`);
  fill(byId("peer-rows"), peers, row, update);
  const grid = byId("cluster-grid");
  grid.hidden = all === 0;
  const square = (cell, peer) => {
    const taken = peer.state === "up" ? share(peer) : null;
    const level = taken === null ? null : Math.min(Math.floor(4 * taken), 5);
    setAttributes(cell, { class: `cell ${peer.state}`, "data-level": level });
    setAttributes(cell, { title: `${peer.name}: ${STATES[peer.state]}, ${load(peer)}` });
  };
  fill(grid, table.peers, () => element("i"), square);
}

function summary() {
  const counts = new Map();
  for (const { state } of table.peers) counts.set(state, (counts.get(state) ?? 0) + 1);
  const told = ORDER.filter((state) => counts.has(state)).map((state) => `${counts.get(state)} ${STATES[state]}`);
  const more = table.known > table.peers.length ? `; ${table.known - table.peers.length} more are not shown` : "";
  const text = told.length > 0 ? `The peers as this node sees them: ${told.join(", ")}${more}.` : "No peers are known.";
  setText(byId("cluster-summary"), text);
  setText(byId("fact-peers"), table.known ? `${counts.get("up") ?? 0} of ${table.known}` : "no peers");
}

function row() {
  const name = element("th", { scope: "row" }, element("span"), element("small"));
  const state = element("td", {}, element("span", { class: "badge" }));
  const load = element("td", { class: "number" }, element("span"), element("small"), element("meter", { min: 0, max: 1, low: 0.75, high: 0.99, optimum: 0 }));
  return element("tr", {}, name, state, load, element("td", { class: "number" }), element("td", { class: "number" }));
}

function load(peer) {
  if (!peer.load) return "load unknown";
  const [running, queued, slots] = peer.load;
  return `${running}/${slots}${queued ? `, ${queued} waiting` : ""}`;
}

function update(line, peer) {
  const [name, state, loaded, told, trip] = line.children;
  setText(name.children[0], peer.name);
  const about = [peer.id, functions(peer), peer.version].filter(Boolean).join(" · ");
  setText(name.children[1], about);
  const left = peer.left_alone_ms ? ` (${milliseconds(peer.left_alone_ms)})` : "";
  setText(state.firstChild, STATES[peer.state] + left);
  setAttributes(state.firstChild, { class: `badge ${peer.state}` });
  const [taken, waiting, meter] = loaded.children;
  setText(taken, peer.load ? `${peer.load[0]}/${peer.load[2]}` : "–");
  setText(waiting, peer.load?.[1] ? `${peer.load[1]} waiting` : "");
  meter.hidden = !peer.load;
  meter.value = Math.min(share(peer) ?? 0, 1);
  setAttributes(meter, { "aria-label": `load of ${peer.name}` });
  setText(told, peer.age_ms === null ? "–" : peer.age_ms < 1_000 ? "now" : `${milliseconds(1e3 * Math.round(peer.age_ms / 1e3))} ago`);
  setText(trip, peer.round_trip_ms === null ? "–" : `${number(peer.round_trip_ms)} ms`);
}

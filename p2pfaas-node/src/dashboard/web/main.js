// Puts the page together.

import { cluster } from "./cluster.js";
import { byId, duration, setText } from "./dom.js";
import { learned } from "./learned.js";
import { load } from "./load.js";
import { policy } from "./policy.js";
import { watch } from "./stream.js";

const POINTS = 300;

const parts = [load(), cluster(), policy(), learned()];
let points = [];

function tellPoints() {
  for (const part of parts) part.points?.(points);
}

watch({
  history(newest) {
    points = newest;
    tellPoints();
  },
  snapshot(snapshot) {
    const { node, point } = snapshot;
    setText(byId("node"), node.id);
    document.title = `${node.id} – P2PFaaS`;
    const group = node.group ? `group ${node.group}, ` : "";
    setText(byId("about"), `${group}version ${node.version}, running for ${duration(node.up_s)}`);
    for (const part of parts) part.snapshot(snapshot);
    if (point && point.at_ms !== points.at(-1)?.at_ms) points = [...points, point].slice(-POINTS);
    tellPoints();
  },
  state(state, text) {
    const place = byId("connection");
    place.dataset.state = state;
    setText(place, text);
  },
});

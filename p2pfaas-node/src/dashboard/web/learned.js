// What the agent has learned: how much it gets, how much it tries out, and what it would do where.

import { Chart } from "./chart.js";
import { byId, element, fill, number, setText } from "./dom.js";
import { actionName, map } from "./map.js";

const PLACES = {
  here: "The agent is in this node.",
  service: "The agent is a service beside this node: shown is what it chose here, most often in each state.",
  table: "A fixed table decides; it learns nothing.",
};
const EVERY_MS = 5_000;
const SMOOTH_MS = 10_000;
const ROWS = 50;

let present = false;
let reading = false;

export function learned() {
  const reward = new Chart(byId("reward-chart"), byId("reward-legend"), {
    title: "Mean reward",
    series: [{ name: "reward", colour: "line-1", kind: "line", value: (point) => point.smooth }],
    format: number, least: 1, low: true,
  });
  const epsilon = new Chart(byId("epsilon-chart"), byId("epsilon-legend"), {
    title: "Exploration",
    series: [{ name: "ε", colour: "line-2", kind: "line", value: (point) => point.epsilon }],
    format: number, least: 0.1,
  });
  const picture = map();
  const look = () => {
    if (present && !document.hidden) read(picture);
  };
  setInterval(look, EVERY_MS);
  return {
    points(points) {
      if (!present) return;
      reward.show(smoothed(points));
      epsilon.show(points);
    },
    snapshot({ learner }) {
      const came = learner !== null && !present;
      present = learner !== null;
      byId("learner").hidden = !present;
      if (!present) return;
      const down = learner.up ? "" : " It does not answer now: the fallback policy decides.";
      setText(byId("learner-about"), PLACES[learner.place] + down);
      counts = learner;
      facts();
      if (came) look();
    },
  };
}

let counts = null;
let agent = null;

function facts() {
  const about = [
    ["Choices", number(counts.choices)],
    ["Mean reward", number(counts.mean_reward)],
    ["Experiences lost", number(counts.lost)],
  ];
  if (agent) {
    about.push(
      ["Trained", number(agent.trained)],
      ["Mean TD error", number(agent.mean_error)],
      ["Made of", `${agent.value}, ${agent.rule}, ${agent.exploration}`],
      ["ε", agent.frozen ? "frozen" : number(agent.epsilon)],
    );
  }
  const pair = () => element("div", {}, element("dt"), element("dd"));
  fill(byId("learner-facts"), about, pair, ({ children: [name, value] }, [label, text]) => {
    setText(name, label);
    setText(value, text);
  });
}

/** The points with the mean reward of the last seconds; without a choice in them there is none. */
function smoothed(points) {
  let first = 0;
  return points.map((point, place) => {
    while (point.at_ms - points[first].at_ms > SMOOTH_MS) first += 1;
    const near = points.slice(first, place + 1).map(({ reward }) => reward).filter((reward) => reward !== null);
    const mean = near.reduce((sum, reward) => sum + reward, 0) / near.length;
    return { at_ms: point.at_ms, smooth: near.length > 0 ? mean : null };
  });
}

async function read(picture) {
  if (reading) return;
  reading = true;
  try {
    const answer = await fetch("dashboard/learned");
    if (!answer.ok) throw new Error(`${answer.status}`);
    const learned = await answer.json();
    agent = learned.agent;
    facts();
    picture.show(learned);
    states(learned);
  } catch (error) {
    setText(byId("map-about"), `What it has learned cannot be read now (${error.message}).`);
  } finally {
    reading = false;
  }
}

function states({ states: all, features, peers }) {
  const names = (length) => Array.from({ length }, (_, place) => features[place] ?? `number ${place + 1}`);
  const width = Math.max(features.length, ...all.map(({ state }) => state.length), 0);
  const heads = [...names(width), "best action", "value", "visits", "mean reward"];
  const head = byId("states-head");
  fill(head, [heads], () => element("tr"), (line) => {
    fill(line, heads, () => element("th", { scope: "col" }), setText);
  });
  fill(byId("states"), all.slice(0, ROWS), () => element("tr"), (line, { state, best, value, visits, reward }) => {
    const numbers = Array.from({ length: width }, (_, place) => String(state[place] ?? ""));
    const cells = [...numbers, actionName(best, peers), number(value), number(visits), number(reward)];
    fill(line, cells, () => element("td"), setText);
  });
}

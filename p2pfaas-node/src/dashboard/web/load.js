// Jobs, latencies, slots and queue of this node.

import { Chart } from "./chart.js";
import { byId, element, fill, milliseconds, number, percent, rate, setText } from "./dom.js";

const fate = (name) => (point) => point.per_s[name];
const latency = (place) => (point) => point.latency_ms?.[place] ?? null;

// The colours are those of the same fates in the reports of experiments.
const FATES = [
  { name: "in time", colour: "fate-in-time", kind: "stack", value: fate("in_time") },
  { name: "late", colour: "fate-late", kind: "stack", value: fate("late") },
  { name: "dropped", colour: "fate-dropped", kind: "stack", value: fate("dropped") },
  { name: "rejected", colour: "fate-rejected", kind: "stack", value: fate("rejected") },
  { name: "failed", colour: "fate-failed", kind: "stack", value: fate("failed") },
  { name: "forwarded", colour: "ink", kind: "dashed", value: fate("forwarded") },
];

const TOTALS = [
  ["arrived", "arrived"], ["in time", "in_time"], ["late", "late"], ["dropped", "dropped"], ["rejected", "rejected"],
  ["failed", "failed"], ["client left", "cancelled"], ["forwarded", "forwarded"], ["forward failed", "forwards_failed"],
];

export function load() {
  const jobs = new Chart(byId("jobs-chart"), byId("jobs-legend"), {
    title: "Jobs per second", series: FATES, format: rate,
  });
  const latencies = new Chart(byId("latency-chart"), byId("latency-legend"), {
    title: "Latency",
    series: [
      { name: "half within", colour: "line-1", kind: "line", value: latency(0) },
      { name: "95 %", colour: "line-2", kind: "line", value: latency(1) },
      { name: "99 %", colour: "line-3", kind: "line", value: latency(2) },
    ],
    format: milliseconds,
  });
  const slots = new Chart(byId("slots-chart"), byId("slots-legend"), {
    title: "Slots and queue",
    series: [
      { name: "running", colour: "line-1", kind: "line", value: (point) => point.running },
      { name: "waiting", colour: "line-2", kind: "line", value: (point) => point.queued },
      { name: "slots", colour: "ink", kind: "dashed", value: (point) => point.slots },
    ],
    format: number,
  });
  return {
    points(points) {
      for (const chart of [jobs, latencies, slots]) chart.show(points);
      facts(points);
    },
    snapshot(snapshot) {
      totals(snapshot.totals);
      const offered = snapshot.node.functions.join(", ") || "none";
      setText(byId("functions"), `Functions on offer: ${offered}.`);
    },
  };
}

function facts(points) {
  const newest = points.at(-1);
  if (!newest) return;
  setText(byId("fact-arrived"), rate(newest.per_s.arrived));
  setText(byId("fact-latency"), milliseconds(newest.latency_ms?.[1]));
  setText(byId("fact-slots"), `${newest.running} of ${newest.slots}`);
  setText(byId("fact-queue"), newest.queue ? `${newest.queued} of ${newest.queue}` : "no queue");
  let [inTime, ended] = [0, 0];
  for (const { at_ms, per_s } of points) {
    if (newest.at_ms - at_ms > 60_000) continue;
    inTime += per_s.in_time;
    ended += per_s.in_time + per_s.late + per_s.dropped + per_s.rejected + per_s.failed;
  }
  setText(byId("fact-in-time"), ended > 0 ? percent(inTime / ended) : "–");
}

function totals(counts) {
  const row = () => element("tr", {}, element("th", { scope: "row" }), element("td"), element("td"));
  fill(byId("totals"), TOTALS, row, ({ children: [name, count, share] }, [label, key]) => {
    setText(name, label);
    setText(count, counts[key].toLocaleString("en"));
    setText(share, counts.arrived > 0 ? percent(counts[key] / counts.arrived) : "–");
  });
}

"""What a reader makes of jobs.parquet and experiment.toml by SQL."""

import math
import tomllib

import duckdb

import by_hand

BATCHES, STRETCHES = 20, 1000
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHARES = ["in_time", "dropped", "rejected", "failed", "cancelled", "forwarded"]

COUNTS = """
    count(*) AS offered,
    count(*) FILTER (outcome = 'served') AS served,
    count(*) FILTER (in_time) AS in_time,
    count(*) FILTER (outcome = 'dropped') AS dropped,
    count(*) FILTER (outcome = 'rejected') AS rejected,
    count(*) FILTER (outcome = 'failed') AS failed,
    count(*) FILTER (outcome = 'cancelled') AS cancelled,
    count(*) FILTER (forwarded) AS forwarded,
    coalesce(sum(probes), 0) AS probes,
    coalesce(sum(latency_s) FILTER (outcome = 'served'), 0) AS latency_s"""


def at_rank(values, rank):
    return values[min(max(rank, 1), len(values)) - 1]


def quantile(values, fraction):
    return at_rank(values, math.ceil(fraction * len(values))) if values else None


def ratio(part, whole):
    return part / whole if whole else None


class Jobs:
    """The jobs of a results folder."""

    def __init__(self, folder):
        run = tomllib.loads((folder / "experiment.toml").read_text())["run"]
        self.warmup_s, self.duration_s = float(run["warmup_s"]), float(run["duration_s"])
        self.db = duckdb.connect()
        self.db.execute(f"CREATE VIEW jobs AS FROM read_parquet('{folder / 'jobs.parquet'}')")
        batch = f"least({BATCHES - 1}, floor((scheduled_s - {self.warmup_s}) * {BATCHES / self.duration_s!r}))"
        self.db.execute(f"CREATE VIEW counted AS SELECT *, {batch}::INT AS batch FROM jobs WHERE NOT warmup")

    def rows(self, query, *values):
        found = self.db.execute(query, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row)) for row in found.fetchall()]

    def policy(self, label):
        """All of a policy that the summary tells, where the jobs tell it."""
        counts = self.rows(f"SELECT {COUNTS} FROM counted WHERE policy = ?", label)[0]
        seeds = self.seeds(label)
        latencies = self.latencies(label)
        measured_s = self.duration_s * len(seeds)
        told = {"offered": counts["offered"], "served": counts["served"], "measured_s": measured_s}
        told |= {f"{name}_per_s": counts[name] / measured_s for name in ("offered", "served")}
        told |= {share: counts[share] / counts["offered"] for share in SHARES}
        told["probes_per_job"] = counts["probes"] / counts["offered"]
        told["latency_s"] = {"mean": ratio(counts["latency_s"], counts["served"])}
        told["latency_s"] |= {name: quantile(latencies, fraction) for name, fraction in QUANTILES.items()}
        told["method"] = "batch means" if len(seeds) == 1 else "replications"
        told["ci95"] = self.within(label, latencies) if len(seeds) == 1 else self.over(label, seeds)
        told["steady_from_s"] = self.steady_from(label)
        told["lag_s"] = self.lag(label)
        told["per_seed"] = [
            {"seed": seed["seed"], "offered": seed["offered"], "served": seed["served"],
             "in_time": seed["in_time"] / seed["offered"], "dropped": seed["dropped"] / seed["offered"],
             "latency_mean_s": ratio(seed["latency_s"], seed["served"])}
            for seed in seeds
        ]  # fmt: skip
        return told

    def seeds(self, label):
        return self.rows(f"SELECT seed, {COUNTS} FROM counted WHERE policy = ? GROUP BY seed ORDER BY seed", label)

    def batches(self, label):
        query = f"SELECT batch, {COUNTS} FROM counted WHERE policy = ? GROUP BY batch ORDER BY batch"
        found = {row["batch"]: row for row in self.rows(query, label)}
        return [found.get(batch, dict.fromkeys(["offered", "probes", "served", "latency_s", *SHARES], 0))
                for batch in range(BATCHES)]  # fmt: skip

    def latencies(self, label, seed=None):
        query = "SELECT latency_s FROM counted WHERE outcome = 'served' AND policy = ? AND seed = coalesce(?, seed)"
        return [row["latency_s"] for row in self.rows(query + " ORDER BY latency_s", label, seed)]

    def over(self, label, seeds):
        """Intervals over several seeds."""
        of = lambda part, whole: [seed[part] / seed[whole] for seed in seeds if seed[whole]]
        told = {share: by_hand.interval(of(share, "offered"), 0.0, 1.0) for share in SHARES if share != "cancelled"}
        told["probes_per_job"] = by_hand.interval(of("probes", "offered"), 0.0)
        told["latency_mean_s"] = by_hand.interval(of("latency_s", "served"), 0.0)
        for name, fraction in QUANTILES.items():
            values = [quantile(self.latencies(label, seed["seed"]), fraction) for seed in seeds]
            ends = by_hand.interval([value for value in values if value is not None], 0.0)
            # Each is exact to three digits, and the width is more than a few of them.
            slack = 1e-3 * max(value or 0.0 for value in values) * (1 + by_hand.student_975(len(values) - 1))
            told[f"latency_{name}_s"] = ends and [(end - slack, end + slack) for end in ends]
        return told

    def within(self, label, latencies):
        """Intervals within one seed."""
        batches = self.batches(label)
        of = lambda part, whole: [(batch[part], batch[whole]) for batch in batches]
        told = {share: by_hand.fraction_interval(of(share, "offered")) for share in SHARES if share != "cancelled"}
        told["probes_per_job"] = by_hand.ratio_interval(of("probes", "offered"))
        told["latency_mean_s"] = by_hand.ratio_interval(of("latency_s", "served"))
        query = """SELECT count(*) FILTER (latency_s <= ?) AS below, count(*) AS served FROM counted
                   WHERE outcome = 'served' AND policy = ? GROUP BY batch"""
        for name, fraction in QUANTILES.items():
            value = quantile(latencies, fraction)
            below = self.rows(query, value * 1.0005, label)
            ranks = by_hand.quantile_ranks(fraction, [(row["below"], row["served"]) for row in below])
            # Others with the same three digits may count as below it or not.
            slack = 2 * (sum(abs(latency / value - 1) < 1e-3 for latency in latencies) - 1)
            ends = ranks and [(at_rank(latencies, rank - slack) * 0.999, at_rank(latencies, rank + slack) * 1.001)
                              for rank in ranks]  # fmt: skip
            told[f"latency_{name}_s"] = ends
        return told

    def steady_from(self, label):
        width = (self.warmup_s + self.duration_s) / STRETCHES
        jobs = self.rows("""SELECT scheduled_s AS come, scheduled_s + latency_s AS go FROM jobs
                            WHERE policy = ? AND phase <> 'training' AND latency_s IS NOT NULL""", label)
        series = [0.0] * STRETCHES
        for job in jobs:
            for stretch in range(int(job["come"] / width), min(int(job["go"] / width) + 1, STRETCHES)):
                series[stretch] += max(0.0, min(job["go"], (stretch + 1) * width) - max(job["come"], stretch * width))
        found = by_hand.steady_from(series)
        return None if found is None else found * width

    def lag(self, label):
        query = "SELECT greatest(sent_s - scheduled_s, 0) AS lag FROM counted WHERE policy = ? AND sent_s IS NOT NULL"
        lags = sorted(row["lag"] for row in self.rows(query, label))
        return {"p99": quantile(lags, 0.99), "max": lags[-1] if lags else None}

    def pair(self, a, b, part, whole, one_seed):
        """By seeds of which both have a value, or by batches of the only one of which one has."""
        some = any if one_seed else all
        rows = [(x, y) for x, y in zip(a, b) if some((x[whole], y[whole]))]
        values = by_hand.ratio_values if one_seed else lambda of: [value / weight for value, weight in of]
        left, right = (values([(row[side][part], row[side][whole]) for row in rows]) for side in (0, 1))
        return by_hand.paired([x - y for x, y in zip(left, right)]) | {"pairs": len(rows)}

    def comparisons(self, labels):
        """Every two policies, measure by measure."""
        pairs = [(a, b) for index, a in enumerate(labels) for b in labels[index + 1 :]]
        measures = {"in_time": ("in_time", "offered"), "dropped": ("dropped", "offered"),
                    "latency_mean_s": ("latency_s", "served")}  # fmt: skip
        one_seed = len(self.seeds(labels[0])) == 1
        parts = {label: self.batches(label) if one_seed else self.seeds(label) for label in labels}
        told = []
        for measure, (part, whole) in measures.items():
            found = [self.pair(parts[a], parts[b], part, whole, one_seed) for a, b in pairs]
            for (a, b), pair, p_holm in zip(pairs, found, by_hand.holm([pair["p"] for pair in found])):
                better = (pair["difference"] > 0) == (measure == "in_time")
                verdict = "not significant" if pair["p"] >= 0.05 else "not significant after Holm"
                verdict = ("a is better" if better else "b is better") if p_holm < 0.05 else verdict
                told.append({"a": a, "b": b, "measure": measure, **pair, "p_holm": p_holm, "verdict": verdict,
                             "paired_by": "batches" if one_seed else "seeds"})  # fmt: skip
        return told

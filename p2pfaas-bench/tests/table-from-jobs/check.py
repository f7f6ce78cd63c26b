"""Usage: check.py RESULTS-FOLDER TABLE.txt

Compares the summaries and the table of a run with what jobs.parquet says, and then, by making each of them a little
wrong, that it would have noticed."""

import csv
import json
import math
import re
import sys
from pathlib import Path

from jobs import Jobs

SAME = 1e-9
# A histogram tells times to three digits, and microseconds.
DIGITS, MICROSECOND = 1.001e-3, 1.001e-6
# What jobs do not tell.
NOT_FROM_JOBS = {"name", "fallbacks", "cpu_s", "machine_busy", "executions", "overruns"}


def is_same(name, said, told):
    """`told` may be a range (low, high)."""
    if isinstance(told, tuple):
        return said is not None and told[0] <= said <= told[1]
    if told is None or said is None or isinstance(told, str):
        return said == told
    # However small, to so many digits.
    if name in ("p", "p_holm"):
        return abs(said - told) <= 1e-6 * told
    return abs(said - told) <= SAME * max(1.0, abs(told))


def expected(told):
    """The columns of summary.csv of a policy."""
    row = {name: told[name] for name in (
        "offered", "served", "offered_per_s", "served_per_s", "in_time", "dropped", "rejected", "failed", "cancelled",
        "forwarded", "probes_per_job", "method", "steady_from_s", "measured_s")}  # fmt: skip
    row["latency_mean_s"] = told["latency_s"]["mean"]
    near = lambda value: value if value is None else (value * (1 - DIGITS) - MICROSECOND, value * (1 + DIGITS) + MICROSECOND)
    row |= {f"latency_{name}_s": near(told["latency_s"][name]) for name in ("p50", "p95", "p99")}
    for name, ends in told["ci95"].items():
        row |= {f"{name}_low": ends and ends[0], f"{name}_high": ends and ends[1]}
    row |= {"lag_p99_s": near(told["lag_s"]["p99"]), "lag_max_s": told["lag_s"]["max"]}
    return row


def from_json(policy):
    """The same columns of summary.json."""
    row = {name: value for name, value in policy.items() if not isinstance(value, (dict, list))}
    row |= {f"latency_{name}{'_s'}": value for name, value in policy["latency_s"].items()}
    row |= {f"{name}_{end}": ends and ends[index]
            for name, ends in policy["ci95"].items() for index, end in enumerate(("low", "high"))}  # fmt: skip
    row["steady_from_s"] = policy["warmup"]["steady_from_s"]
    row |= {f"lag_{name}_s": value for name, value in policy.get("lag_s", {}).items()}
    return row | policy.get("cost", {})


def from_csv(row):
    number = lambda text: None if text == "" else float(text)
    texts = {"label", "name", "method", "a", "b", "measure", "verdict", "paired_by", "seeds", "seeds_left_out"}
    return {name: text if name in texts else number(text) for name, text in row.items()}


def differences(rows, wanted, ignored):
    """Every cell that is not as wanted, and every column of which nothing is known."""
    for label, row in rows.items():
        for name, said in row.items():
            if name in ignored:
                continue
            if name not in wanted[label]:
                yield f"{label}: nobody knows what {name} should be"
            elif not is_same(name, said, wanted[label][name]):
                yield f"{label}: {name} is {said} and should be {wanted[label][name]}"


def would_notice(rows, wanted, ignored):
    """Columns that may be wrong without being noticed."""
    for label, row in rows.items():
        for name, said in row.items():
            # An end of an interval may be small beside its slack.
            wrong = "?" if isinstance(said, str) else said + math.copysign(abs(said) / 4 + 0.02, said) if said else 1.0
            if name not in ignored and not list(differences({label: row | {name: wrong}}, wanted, ignored)):
                yield f"{label}: nobody would notice that {name} is {wrong} instead of {said}"


def table_rows(text, labels):
    """The cells of the table that was printed, one list a policy."""
    for label in labels:
        line = next(line for line in text.splitlines() if re.match(rf" {re.escape(label)} +\d", line))
        yield label, line[len(label) + 1 :].replace("±", "").split()


def table_differences(text, wanted):
    for label, cells in table_rows(text, wanted):
        told, ends = wanted[label], wanted[label]
        half = 50 * (ends["in_time_high"] - ends["in_time_low"])
        values = [told["offered_per_s"], told["served_per_s"], 100 * told["in_time"], half]
        values += [100 * told[name] for name in ("dropped", "rejected", "failed", "forwarded")]
        values.append(told["probes_per_job"])
        for column, (cell, value) in enumerate(zip(cells, values)):
            if abs(float(cell) - value) > (0.0051 if column == 8 else 0.051):
                yield f"table, {label}: {cell} should be {value}"
        for cell, name in zip(cells[9:12], ("p50", "p95", "p99")):
            low, high = (1e3 * end for end in told[f"latency_{name}_s"])
            if not low - 0.51 <= float(cell) <= high + 0.51:
                yield f"table, {label}: {name} of {cell} ms should be {low} to {high}"


def best_differences(text, wanted, pairs):
    """The lines on the best policy against each other one."""
    best = max(wanted, key=lambda label: wanted[label]["in_time"])
    lines = text[text.index(f"{best} against") :]
    for pair in pairs:
        if pair["measure"] != "in_time" or best not in (pair["a"], pair["b"]):
            continue
        other, sign = (pair["b"], 1) if pair["a"] == best else (pair["a"], -1)
        values = [100 * sign * pair["difference"], *sorted(100 * sign * end for end in pair["ci95"])]
        line = next(line for line in lines.splitlines() if line.startswith(f" {other} "))
        said = [float(number) for number in re.findall(r"[+-]?\d+\.\d+", line)][:4]
        if any(abs(cell - value) > 0.051 for cell, value in zip(said, values)):
            yield f"table, {best} against {other}: {said} should be {values}"
        if pair["d_z"] is not None and abs(said[3] - sign * pair["d_z"]) > 0.0051:
            yield f"table, {best} against {other}: an effect of {said[3]} should be {sign * pair['d_z']}"
        if ("not significant" in line) != pair["verdict"].startswith("not"):
            yield f"table, {best} against {other}: {line} should be {pair['verdict']}"


def pair_rows(pairs):
    rows = {}
    for pair in pairs:
        low, high = pair["ci95"]
        row = {name: value for name, value in pair.items() if name != "ci95"}
        rows[f"{pair['a']} / {pair['b']} / {pair['measure']}"] = row | {"difference_low": low, "difference_high": high}
    return rows


def main(folder, table):
    jobs = Jobs(folder)
    summary = json.loads((folder / "summary.json").read_text())
    policies = {policy["label"]: policy for policy in summary["policies"] + summary.get("references", [])}
    told = {label: jobs.policy(label) for label in policies}
    wanted = {label: expected(row) | {"label": label} for label, row in told.items()}
    with open(folder / "summary.csv", newline="") as file:
        rows = {row["label"]: from_csv(row) for row in csv.DictReader(file)}
    compared = [policy["label"] for policy in summary["policies"]]
    assert list(rows) == compared, f"{list(rows)} should be {compared}"
    wrong = list(differences(rows, wanted, NOT_FROM_JOBS))
    # The JSON has no column of its own: all must stand in the CSV, where the policy does.
    said = {label: from_json(policy) for label, policy in policies.items()}
    wrong += differences(said, wanted, NOT_FROM_JOBS)
    for label in policies:
        seeds = zip(policies[label]["per_seed"], told[label]["per_seed"], strict=True)
        for seed, right in seeds:
            wrong += differences({label: seed}, {label: right}, set())

    pairs = jobs.comparisons(compared)
    wanted_pairs = pair_rows(pairs)
    seeds = " ".join(str(seed["seed"]) for seed in told[compared[0]]["per_seed"])
    wanted_pairs = {key: row | {"seeds": seeds, "seeds_left_out": ""} for key, row in wanted_pairs.items()}
    with open(folder / "comparisons.csv", newline="") as file:
        pair_csv = {f"{row['a']} / {row['b']} / {row['measure']}": from_csv(row) for row in csv.DictReader(file)}
    assert list(pair_csv) == list(wanted_pairs), f"{list(pair_csv)} should be {list(wanted_pairs)}"
    wrong += differences(pair_csv, wanted_pairs, set())
    of_json = pair_rows([{"a": pair["a"], "b": pair["b"], "measure": measure, "paired_by": pair["paired_by"], **pair[measure]}
                         for measure in ("in_time", "dropped", "latency_mean_s") for pair in summary["comparisons"]])  # fmt: skip
    wrong += differences(of_json, wanted_pairs, set())

    text = table.read_text()
    wrong += table_differences(text, wanted)
    wrong += best_differences(text, {label: wanted[label] for label in compared}, pairs)

    wrong += would_notice(rows, wanted, NOT_FROM_JOBS)
    wrong += would_notice(pair_csv, wanted_pairs, set())
    if wrong:
        sys.exit("\n".join(f"{folder.name}: {line}" for line in wrong))
    cells = sum(len(row) for row in [*rows.values(), *pair_csv.values(), *said.values()])
    print(f"{folder.name}: {cells} numbers and the table are what jobs.parquet says")


main(Path(sys.argv[1]), Path(sys.argv[2]))

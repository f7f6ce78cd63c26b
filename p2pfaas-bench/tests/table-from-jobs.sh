#!/usr/bin/env bash
# What the table, summary.json, summary.csv and comparisons.csv say is what a reader computes from jobs.parquet with
# DuckDB: in the simulator and on an embedded cluster, over several seeds and within one.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=p2pfaas-bench/tests/table-from-jobs
target=${CARGO_TARGET_DIR:-target}

python=$target/table-from-jobs/bin/python
if ! "$python" -c 'import duckdb' 2>/dev/null; then
  # Without its own pip, which not every Python brings along; ours can install into it.
  python3 -m venv --without-pip "$target/table-from-jobs"
  python3 -m pip --python "$python" install --quiet duckdb
fi

cargo build --quiet -p p2pfaas-bench
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
mkdir "$results/short"
sed -e 's/^duration_s = .*/duration_s = 2/' -e 's/^seeds = .*/seeds = [1, 2, 3]/' $here/experiment.toml \
  >"$results/short/experiment.toml"

check() { # name, arguments of `p2pfaas run`
  local name=$1
  shift
  if ! "$target/debug/p2pfaas" run "$@" --out "$results/$name" >"$results/$name.txt" 2>"$results/$name.log"; then
    cat "$results/$name.log" >&2
    exit 1
  fi
  "$python" $here/check.py "$results/$name" "$results/$name.txt"
}
check sim-seeds $here/experiment.toml --on sim
check sim-batches $here/experiment.toml --on sim --seed 5
check local-seeds "$results/short/experiment.toml" --on local
check local-batches "$results/short/experiment.toml" --on local --seed 5

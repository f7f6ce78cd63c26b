#!/usr/bin/env bash
# The same experiment and seeds give the same bytes in the simulator: on one thread and on two, in a debug build and
# in an optimised one. Compares whole results folders, jobs and agents included.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --quiet -p p2pfaas-bench
# Optimised, without the long link of a real release; static as deploy/build.sh builds, which may so share what is compiled.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols" \
  cargo build --quiet -p p2pfaas-bench --release --target "$host" --target-dir target/optimised
target=${CARGO_TARGET_DIR:-target}
builds=("$target/debug/p2pfaas" "target/optimised/$host/release/p2pfaas")

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for file in experiments/quickstart.toml experiments/learning.toml experiments/calibration/speeds.toml; do
  name=$(basename "$file" .toml)
  for build in 0 1; do
    for threads in 1 2; do
      "${builds[$build]}" run "$file" --on sim --jobs --seed 5 --threads "$threads" \
        --out "$results/$name-$build-$threads" >/dev/null 2>&1
    done
  done
  for other in 0-2 1-1 1-2; do
    diff -r "$results/$name-0-1" "$results/$name-$other"
  done
  echo "$name: the same bytes on 1 and 2 threads, debug and optimised" \
    "($(du -sb "$results/$name-0-1" | cut -f1) bytes)"
done

#!/usr/bin/env bash
# What the learner service does: experiences a second over HTTP, times of actions over the websocket,
# memory; beside another learner that speaks the same protocol, if there is one.
#
#   p2pfaas-learner/benches/service.sh [--reference HTTP_ADDRESS WEBSOCKET_ADDRESS] [ENTRIES [BATCH [STATES [ACTS]]]]
#
# Builds (release) and starts a learner with 14 actions on a table. A reference, such as
# the Python learner of P2PFaaS on 127.0.0.1:19020 and 127.0.0.1:8765, must be running, and gets the
# same load after ours. PROFILE=dev measures a debug build.
set -euo pipefail
reference=()
if [ "${1:-}" = --reference ]; then reference=("$2" "$3"); shift 3; fi
root=$(cd "$(dirname "$0")/../.." && pwd)
profile=${PROFILE:-release}
cd "$root"
cargo build --quiet --profile "$profile" -p p2pfaas-learner --features service --bin p2pfaas-learner --example service_load
built=${CARGO_TARGET_DIR:-target}/${profile/dev/debug}
work=$(mktemp -d)
echo 'actions_n = 14' >"$work/learner.toml"
"$built/p2pfaas-learner" --listen 127.0.0.1:29020 --ws-listen 127.0.0.1:28765 --config "$work/learner.toml" \
  --data "$work/data" --seed 1 --log warn &
learner=$!
trap 'kill $learner 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/29020) 2>/dev/null && break; sleep 0.05; done
memory() { echo "$1 $(awk '/VmRSS/{print $2 " kB"}' "/proc/$learner/status")"; }
memory "memory at rest:          "
"$built/examples/service_load" 127.0.0.1:29020 127.0.0.1:28765 "$@"
memory "memory after the load:   "
if [ ${#reference[@]} -gt 0 ]; then
  echo "reference at ${reference[*]}:"
  "$built/examples/service_load" "${reference[@]}" "$@"
fi

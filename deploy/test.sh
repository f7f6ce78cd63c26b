#!/usr/bin/env bash
# The whole in real containers, on this machine: builds the programs and the images, starts the cluster of
# docker-compose.yml, runs an experiment on it from outside, and then kills, pauses, cuts off and restarts its nodes with
# load on them. Needs Docker, Compose (v2 or 1.29), iptables, a static busybox, and root. P2PFAAS_STAGED=1 takes the programs that
# deploy/stage.sh has made before.
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_PROJECT_NAME=p2pfaas-test P2PFAAS_LOG=info
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(-f docker-compose.yml -f docker-compose.dev.yml -f deploy/test.compose.yml)
results=$(mktemp -d)

finish() {
  status=$?
  if [ $status -ne 0 ]; then "${compose[@]}" logs --no-color --tail=30 || true; fi
  "${compose[@]}" down --volumes --timeout 1 >/dev/null 2>&1 || true
  rm -rf "$results"
  exit $status
}
trap finish EXIT

[ "${P2PFAAS_STAGED:-}" ] || deploy/stage.sh
docker image inspect p2pfaas/base >/dev/null 2>&1 || deploy/base.sh
"${compose[@]}" build
docker images --format '{{.Repository}} {{.Size}}' 'p2pfaas/*'
"${compose[@]}" up -d

echo "== an experiment from outside"
cargo run --quiet -p p2pfaas-bench -- run experiments/compose.toml --on deploy/hosts.txt --out "$results/compose"
test -s "$results/compose/report.html"
echo "== faults, with load on"
cargo test --quiet -p p2pfaas-node --test containers -- --ignored --nocapture

#!/usr/bin/env bash
# Checks what cannot be compiled: manifests for Compose, balena, Kubernetes and systemd, all without a network but pip's.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=${CARGO_TARGET_DIR:-target}/check-deploy
python=$venv/bin/python
if ! "$python" -c 'import kubernetes_validate, yaml' 2>/dev/null; then
  # Without its own pip, which not every Python brings along; ours can install into it.
  python3 -m venv --without-pip "$venv"
  python3 -m pip --python "$python" install --quiet kubernetes-validate pyyaml
fi
"$python" -m unittest discover --quiet --start-directory deploy/check

for compose in "docker compose" docker-compose; do
  if $compose version >/dev/null 2>&1; then
    for files in "" "-f docker-compose.yml -f docker-compose.dev.yml" \
      "-f docker-compose.yml -f docker-compose.dev.yml -f deploy/test.compose.yml"; do
      $compose $files --profile monitoring config --quiet
    done
    $compose -f balena/docker-compose.yml config --quiet
    echo "$compose takes the compose files"
  else
    echo "SKIPPED: no $compose here"
  fi
done
if command -v systemd-analyze >/dev/null; then
  units=$(mktemp -d)
  trap 'rm -rf "$units"' EXIT
  # The programs need not be installed for their units to be right.
  for unit in deploy/systemd/*.service; do
    sed 's|^ExecStart=/usr/bin/[^ ]*|ExecStart=/bin/true|' "$unit" > "$units/$(basename "$unit")"
  done
  systemd-analyze verify "$units"/*.service
  echo "systemd takes the units"
else
  echo "SKIPPED: no systemd-analyze here"
fi

#!/usr/bin/env bash
# Usage: p2pfaas-learner/torch/test.sh [arguments for `cargo test`]
#
# Fetches libtorch into .libtorch (once), builds the learner with the feature `torch`, and runs its tests.
#
# LIBTORCH=DIR             uses that libtorch instead, for a GPU say
# LIBTORCH_MAY_BE_MISSING=1  exit code 0, with a message, when libtorch cannot be fetched
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ -z ${LIBTORCH:-} ]]; then
  export LIBTORCH=$PWD/.libtorch
  if ! p2pfaas-learner/torch/libtorch-cpu.sh "$LIBTORCH"; then
    if [[ ${LIBTORCH_MAY_BE_MISSING:-0} == 1 ]]; then
      echo "SKIPPED: libtorch cannot be fetched; the tests of the feature \`torch\` did not run" >&2
      exit 0
    fi
    echo "libtorch cannot be fetched" >&2
    exit 1
  fi
fi
cargo test --package p2pfaas-learner --features torch "$@"

#!/bin/sh
# Builds the Debian package of a node with its learner into a folder (default: target/debian). Needs cargo-deb:
#     cargo install cargo-deb --locked
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
CARGO_TARGET=$target deploy/build.sh "$programs" p2pfaas-node p2pfaas-learner
cargo deb --package p2pfaas-node --target "$target" --no-build --no-strip ${1:+--output "$1/"}

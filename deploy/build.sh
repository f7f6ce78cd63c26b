#!/bin/sh
# Puts what the images hold into a folder: the programs, static, and an empty /data.
#
#     deploy/build.sh FOLDER [PROGRAM...]
#
# They are built for the machine that runs this. CARGO_TARGET names another, such as aarch64-unknown-linux-gnu, whose linker
# cargo must know.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/data"
out=$(cd "$1" && pwd)
cd "$root"
shift
programs=${*:-p2pfaas-node p2pfaas-learner pigo-function}

target=${CARGO_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
case " $programs " in
  *" p2pfaas-learner "*) features="--features p2pfaas-learner/service" ;;
  *) features= ;;
esac
# With a target named, these flags do not reach what runs while building, which cannot be static.
RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols" \
  cargo build --release --locked --target "$target" $(printf ' -p %s' $programs) $features
for program in $programs; do
  cp "${CARGO_TARGET_DIR:-target}/$target/release/$program" "$out/"
done

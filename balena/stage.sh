#!/bin/sh
# Makes the folder that balena builds: this one, with the sources beside each Dockerfile.template.
#
#     balena/stage.sh                      # into balena/staged; then: cd balena/staged && balena push FLEET
#     balena/stage.sh --programs FOLDER    # with programs that were built elsewhere, so that no device compiles:
#                                          #   CARGO_TARGET=aarch64-unknown-linux-gnu deploy/build.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
programs=
case "${1-}" in
  --programs) programs=${2:?"--programs needs a folder"} ;;
  "") ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

staged=balena/staged
rm -rf "$staged"
mkdir -p "$staged"
cp balena/docker-compose.yml balena/balena.yml "$staged/"
for service in node pigo; do
  mkdir "$staged/$service"
  cp "balena/$service/Dockerfile.template" "$staged/$service/"
  # What .dockerignore lets into a build, and of that only what git knows: no target folder, no secrets.
  git ls-files Cargo.toml Cargo.lock LICENSE deploy examples p2pfaas-bench p2pfaas-core p2pfaas-learner p2pfaas-node \
    p2pfaas-sim pigo-function | tar -c --files-from - | tar -x -C "$staged/$service"
  if [ -n "$programs" ]; then
    cp -r "$programs" "$staged/$service/deploy/staged"
  fi
done
echo "$staged is ready: cd $staged && balena push FLEET"

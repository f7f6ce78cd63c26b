#!/bin/sh
# Builds the programs here, so that building the images only copies them: for development, and where no image with Rust
# can be had. Undo it with: rm -r deploy/staged
set -eu
cd "$(dirname "$0")/.."
rm -rf deploy/staged deploy/staging
deploy/build.sh deploy/staging
mv deploy/staging deploy/staged

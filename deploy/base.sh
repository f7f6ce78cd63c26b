#!/bin/sh
# Makes the image p2pfaas/base, a shell and nothing else, without a registry: enough to copy programs that are staged.
set -eu
busybox=$(command -v busybox) || { echo "base.sh needs a static busybox: apt-get install busybox-static" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/tmp"
cp "$busybox" "$folder/bin/busybox"
for tool in sh cp; do
  ln -s busybox "$folder/bin/$tool"
done
tar -C "$folder" -c . | docker import --change 'ENV PATH=/bin' - p2pfaas/base

#!/bin/sh
# Builds the images for all platforms and pushes them, with buildx and a builder that has nodes of these platforms, or emulates
# them:
#
#     docker buildx create --use --name p2pfaas
#     deploy/release.sh NAMESPACE VERSION                  # NAMESPACE/node:VERSION and so on
#     PLATFORMS=linux/arm64 deploy/release.sh NAMESPACE VERSION
set -eu
cd "$(dirname "$0")/.."
namespace=${1:?"expected NAMESPACE VERSION"}
version=${2:?"expected NAMESPACE VERSION"}
if [ -e deploy/staged ]; then
  echo "release.sh: deploy/staged holds programs of one platform; remove it first" >&2
  exit 1
fi
for target in node learner pigo; do
  docker buildx build --platform "${PLATFORMS:-linux/amd64,linux/arm64,linux/arm/v7}" --target "$target" \
    --label "org.opencontainers.image.version=$version" \
    --tag "$namespace/$target:$version" --tag "$namespace/$target:latest" --push .
done

#!/usr/bin/env bash
# Builds the images sapphire-operator and sapphire-trader. Arguments go to the build, such as
# --build-arg BASE_IMAGE=…; TAG names another tag than the release, REGISTRY a registry to push to later.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in docker podman; do
  # A docker without its daemon is none.
  "$tool" info >/dev/null 2>&1 && break
  tool=
done
if [ -z "$tool" ]; then
  echo "An image needs docker, with its daemon running, or podman; neither answers. Without: cargo build --release, and the programs are in target/release."
  exit 2
fi
release=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
for target in operator trader; do
  name="${REGISTRY:+$REGISTRY/}sapphire-$target:${TAG:-$release}"
  "$tool" build --target "$target" --tag "$name" \
    --build-arg "VERSION=$release" --build-arg "REVISION=$revision" "$@" .
  echo "built $name"
done

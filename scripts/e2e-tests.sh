#!/usr/bin/env bash
# The tests that need a Kubernetes control plane. It is made of programs that are built once, with Go,
# into ${XDG_CACHE_HOME:-~/.cache}/sapphire/bin, or found in $KUBEBUILDER_ASSETS.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=(--workspace --locked)
for main in e2e/tests/*/main.rs; do
  tests+=(--test "$(basename "$(dirname "$main")")")
done
scripts/operator-builds.sh
# With the tests come the other programs that they run.
cargo test "${tests[@]}" --no-run
status=0
said=$("${CARGO_TARGET_DIR:-target}/debug/cluster-assets") || status=$?
if [ "$status" = 3 ] && [ "${CI:-}" != true ]; then
  echo "SKIPPED: the tests against a real Kubernetes API server: $said. Then type: make test-e2e"
  exit 0
fi
if [ "$status" != 0 ]; then
  echo "$said"
  exit 1
fi
# They wait for a cluster more than they compute, so more of them run at once than there are cores.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) * 2))}
# One that fails hides no other.
cargo test "${tests[@]}" --no-fail-fast "$@"

#!/usr/bin/env bash
# Measures the operator on a real control plane and writes its part of docs/benchmarks.md.
#
# usage: scripts/bench-operator.sh [--systems 100,1000] [--idle SECONDS] [--edits N]
set -euo pipefail
cd "$(dirname "$0")/.."

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# What was built is that commit only if nothing of it was changed.
git diff --quiet HEAD -- operator crds e2e Cargo.toml Cargo.lock 2>/dev/null || commit="$commit, with changes"

# Built before anything is timed; the control plane's supervisor comes with the second. What only creates and
# watches is no part of what is measured, and is the program of the tests.
cargo build --quiet --release -p sapphire-operator --locked
cargo bench --quiet --profile dev -p sapphire-e2e --bench operator --locked --no-run
cargo bench --quiet --profile dev -p sapphire-e2e --bench operator --locked -- \
  --operator "$(realpath "${CARGO_TARGET_DIR:-target}")/release/sapphire-operator" \
  --page "$PWD/docs/benchmarks.md" --commit "$commit" --date "$(date -u +%F)" "$@"

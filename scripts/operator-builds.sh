#!/usr/bin/env bash
# Builds the operator twice, as tests of upgrades need it: sapphire-operator, and beside it
# sapphire-operator-other-builder, which stands for a release that renders desks otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

# With a test, so that dependencies have the features that they have in tests and nothing is built twice.
build=(cargo build --workspace --locked --bin sapphire-operator --test command)
programs="${CARGO_TARGET_DIR:-target}/debug"
"${build[@]}" --features sapphire-operator/other-builder
install "$programs/sapphire-operator" "$programs/sapphire-operator-other-builder"
"${build[@]}"

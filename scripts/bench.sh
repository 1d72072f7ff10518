#!/usr/bin/env bash
# Measures the first rows of the design's table of figures and writes docs/benchmarks.md.
#
# usage: scripts/bench.sh DIR, the market data: btcusdt-perp-1m-202201.csv.gz,
# btcusdt-usdm-20240808.jsonl.gz and ethusdt-usdm-20240808.jsonl.gz.
set -euo pipefail
data=$(realpath "${1:?usage: scripts/bench.sh DIR}")
cd "$(dirname "$0")/.."

for file in btcusdt-perp-1m-202201.csv.gz btcusdt-usdm-20240808.jsonl.gz ethusdt-usdm-20240808.jsonl.gz; do
  [ -r "$data/$file" ] || { echo "$data holds no $file, which is measured"; exit 2; }
done
command -v python3 >/dev/null || { echo "the reference script needs python3"; exit 2; }

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# What was built is that commit only if nothing of it was changed.
git diff --quiet HEAD -- trader crds Cargo.toml Cargo.lock 2>/dev/null || commit="$commit, with changes"

# Built before anything is timed.
cargo bench --quiet -p sapphire-engine -p sapphire-matching -p sapphire-trader --locked --no-run

hot=$(mktemp -d)
trap 'rm -rf "$hot"' EXIT
CRITERION_HOME=$hot cargo bench --quiet -p sapphire-engine --bench hot --locked
CRITERION_HOME=$hot cargo bench --quiet -p sapphire-matching --bench exchange --locked

cargo bench --quiet -p sapphire-trader --bench table --locked -- \
  --data "$data" --hot "$hot" --page "$PWD/docs/benchmarks.md" --commit "$commit" --date "$(date -u +%F)"

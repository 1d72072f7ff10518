#!/usr/bin/env bash
# The tests that need a Kubernetes control plane. It is made of programs that are built once, with Go,
# into ${XDG_CACHE_HOME:-~/.cache}/sapphire/bin, or found in $KUBEBUILDER_ASSETS.
#
# usage: scripts/e2e-tests.sh [PROGRAM…] [NAME…]
#   PROGRAM       a folder of e2e/tests; all of them if none is named
#   NAME          only the tests whose names contain it
#   E2E_PROGRAMS  how many programs run at once (2)
set -euo pipefail
cd "$(dirname "$0")/.."

# The longest first.
programs=(operator charts outages deadlines)
for main in e2e/tests/*/main.rs; do
  program=$(basename "$(dirname "$main")")
  [[ " ${programs[*]} " == *" $program "* ]] || programs+=("$program")
done
chosen=()
while [ $# -gt 0 ] && [ -f "e2e/tests/$1/main.rs" ]; do chosen+=("$1") && shift; done
[ ${#chosen[@]} = 0 ] || programs=("${chosen[@]}")

scripts/operator-builds.sh
# With the tests come the other programs that they run.
cargo test --workspace --locked "${programs[@]/#/--test=}" --no-run
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

# Tests wait for a cluster more than they compute, so more of them run at once than there are cores, and
# more than one program of them, each with a control plane of its own.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) * 2))}
# The API servers take most of the time, and a fifth of it to collect garbage while there is memory enough: each may have
# an eighth of what is free.
free=$(awk '/^MemAvailable:/ { print int($2 / 8192) }' /proc/meminfo 2>/dev/null || echo 0)
export GOGC=${GOGC:-400} GOMEMLIMIT=${GOMEMLIMIT:-$((free > 800 ? free : 800))MiB}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# Says in one piece what a program saw: all of it when a test failed, else its tests.
run() {
  local program=$1 log=$logs/$1 status=0 begun=$SECONDS
  shift
  echo "$program: begins"
  cargo test --workspace --locked --test "$program" -- "$@" </dev/null >"$log" 2>&1 || status=$?
  local verdict="passed" shown='^test '
  [ "$status" = 0 ] || { verdict="FAILED" shown=''; }
  {
    flock 9
    grep -e "$shown" "$log" || true
    echo "$program: $verdict after $((SECONDS - begun)) s"
  } 9>"$logs/.turn"
  return "$status"
}
export -f run
export logs
# One that fails hides no other.
printf '%s\0' "${programs[@]}" \
  | xargs -0 -P "${E2E_PROGRAMS:-2}" -I PROGRAM bash -c 'run PROGRAM "$@"' run "$@"
if [ $# -gt 0 ] && ! grep -q '^test .* \.\.\. ok$' "$logs"/*; then
  echo "No test's name contains $*"
  exit 1
fi

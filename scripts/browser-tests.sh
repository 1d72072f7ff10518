#!/usr/bin/env bash
# The page's tests in a real browser, against a trader that really runs.
#
# Needs Chromium: $CHROMIUM, or one on the PATH. Under CI=true as root, Debian's is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$chromium" ] && [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's Chromium for the browser tests"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  chromium=$(command -v chromium)
fi
if [ -z "$chromium" ]; then
  echo "SKIPPED: the browser tests need Chromium. On Debian: sudo apt-get install chromium; elsewhere set CHROMIUM to one."
  [ "${CI:-}" != true ] || exit 1
  exit 0
fi

work=$(mktemp -d)
traders=()
finish() {
  for trader in "${traders[@]}"; do kill "$trader" 2>/dev/null || true; done
  for trader in "${traders[@]}"; do wait "$trader" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

token=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
# start NAME SPEED: a desk of its own, whose address is then in $url, and its manifests in $work/NAME.
start() {
  mkdir "$work/$1"
  cp -r examples/quickstart examples/data "$work/$1"
  SAPPHIRE_API_TOKEN=$token "${CARGO_TARGET_DIR:-target}/debug/sapphire-trader" run -f "$work/$1/quickstart" \
    --speed "$2" --listen 127.0.0.1:0 --db "$work/$1.db" --log-format json 2>"$work/$1.log" >"$work/$1.out" &
  local trader=$!
  traders+=("$trader")
  for _ in $(seq 100); do
    url=$(grep -ohE 'http://127\.0\.0\.1:[0-9]+' "$work/$1.out" "$work/$1.log" | head -n 1 || true)
    [ -z "$url" ] || return 0
    kill -0 "$trader" 2>/dev/null || break
    sleep 0.1
  done
  echo "the trader did not start; it said:"
  cat "$work/$1.out" "$work/$1.log"
  exit 1
}

start over max
finished=$url
# Slow enough that the data outlast the tests.
start desk 30m

echo "Chromium against $url, and against a run that is over"
cd trader/dashboard
if ! CHROMIUM=$chromium SAPPHIRE_URL=$url SAPPHIRE_FINISHED_URL=$finished SAPPHIRE_POLICY=$work/desk/quickstart/policy.yaml \
  SAPPHIRE_TOKEN=$token npm run --silent e2e 2>&1 | tee "$work/tests.log"; then
  echo "The trader's last words:"
  tail -n 30 "$work/desk.log"
  # What failed comes last, where it is looked for.
  echo "What failed:"
  sed -n '/^  1) /,$p' "$work/tests.log"
  exit 1
fi

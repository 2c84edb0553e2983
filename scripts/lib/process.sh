# Folders, ports and the processes a run starts.
# Invariant: only processes this run started are ended, each by its own pid.

CURRENT_STEP=
STARTED=() # "signal:pid" of what the current step started
WORK=

open_workspace() {
  CACHE="${INSIGHTS_TEST_CACHE:-$HOME/.cache/insights-test}"
  OUT="${INSIGHTS_TEST_OUT:-$CACHE/out}"
  mkdir -p "$CACHE" "$OUT"
  CACHE="$(cd "$CACHE" && pwd)"
  OUT="$(cd "$OUT" && pwd)"
  WORK="$(mktemp -d "${TMPDIR:-/tmp}/insights-test.XXXXXX")"
  chmod 711 "$WORK" # the postgres user walks through it to its own folder
  trap close_workspace EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

close_workspace() {
  local status=$?
  if [ -n "$CURRENT_STEP" ]; then
    kill -TERM -- "-$CURRENT_STEP" 2>/dev/null || true
    wait "$CURRENT_STEP" 2>/dev/null || true
  fi
  [ -z "$WORK" ] || rm -rf "$WORK"
  exit "$status"
}

# Runs inside a step when it ends, however it ends.
stop_started() {
  local status=$? started
  trap - EXIT
  for started in "${STARTED[@]}"; do
    stop_process "${started#*:}" "${started%%:*}"
  done
  exit "$status"
}

# stop_process PID SIGNAL: asks, waits ten seconds, insists.
stop_process() {
  local pid="$1" signal="$2" tries=0
  kill -s "$signal" "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
  wait "$pid" 2>/dev/null || true
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_until SECONDS PID COMMAND...: true once the command succeeds, false when the process
# has ended or the time is over.
wait_until() {
  local deadline=$((SECONDS + $1)) pid="$2"
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# The server the contract and browser steps talk to: one for each step, with a data folder of its own.
# Invariant: a step passes only if its server was alive and unharmed at the end.

need_server_binary() {
  INSIGHTS_BINARY="${CARGO_TARGET_DIR:-$ROOT/target}/debug/insights"
  note "cargo build"
  cargo build --workspace --locked --quiet
  [ -x "$INSIGHTS_BINARY" ] || die "no $INSIGHTS_BINARY after cargo build"
}

# run_insights ARGUMENT...: the binary on this step's data folder; the INSIGHTS_* variables of the
# caller stay outside.
run_insights() {
  local -a foreign=()
  local name
  for name in $(compgen -e INSIGHTS_ || true); do
    foreign+=(-u "$name")
  done
  exec env "${foreign[@]}" INSIGHTS_DATA_DIR="$DATA_DIR" INSIGHTS_BIND="127.0.0.1:$SERVER_PORT" \
    INSIGHTS_BASE_URL="$BASE" "${SERVER_SETTINGS[@]}" "$INSIGHTS_BINARY" "$@"
}

# start_server NAME [VARIABLE=VALUE...]: sets BASE and SERVER_PID.
start_server() {
  local name="$1"
  shift
  SERVER_SETTINGS=("$@")
  need_server_binary
  need_python
  SERVER_PORT="$(free_port)"
  BASE="http://127.0.0.1:$SERVER_PORT"
  DATA_DIR="$WORK/data-$name"
  SERVER_LOG="$OUT/server-$name.log"
  rm -rf "$DATA_DIR"
  mkdir -p "$DATA_DIR"
  run_insights serve --demo >"$SERVER_LOG" 2>&1 &
  SERVER_PID=$!
  STARTED+=("TERM:$SERVER_PID")
  wait_until 30 "$SERVER_PID" curl -fsS -m 5 "$BASE/health/ready" || {
    tail -n 20 "$SERVER_LOG" >&2
    die "the server did not become ready, see $SERVER_LOG"
  }
  note "server on $BASE"
}

# Sets TOKEN to a new machine token with the admin scope.
create_admin_token() {
  TOKEN="$( (run_insights tokens create --name ci --scopes admin) | grep -m1 -oE '^ins_\S+')" ||
    die "insights tokens create printed no line that starts with ins_"
}

check_server() {
  kill -0 "$SERVER_PID" 2>/dev/null || die "the server has ended, see $SERVER_LOG"
  curl -fsS -m 10 -o /dev/null "$BASE/health/ready" || die "the server is no longer ready, see $SERVER_LOG"
  if grep -n 'panicked at' "$SERVER_LOG" >&2; then die "a task of the server panicked, see $SERVER_LOG"; fi
}

# The token still answers: without it a run "as administrator" would have tested refusals.
check_token() {
  curl -fsS -m 10 -o /dev/null -H "Authorization: Bearer $TOKEN" "$BASE/v1/auth/me" ||
    die "the administrator's token no longer works: what ran with it proves little"
}

# fetch_document: sets DOCUMENT to a copy of the served OpenAPI document.
fetch_document() {
  DOCUMENT="$OUT/openapi.json"
  curl -fsS -m 10 -o "$DOCUMENT" "$BASE/openapi.json"
}

# What the person watching sees: headings, times and the table at the end.
# Invariant: a step that did not run to its end never counts as passed.

RESULTS=() # "step|database|passed or failed|seconds"

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

note() { printf '   %s\n' "$*"; }

heading() {
  printf '\n== [%s] %s\n' "$(clock $SECONDS)" "$*"
}

clock() { printf '%02d:%02d' $(($1 / 60)) $(($1 % 60)); }

# The database behind a step, for the table.
database_of() {
  case "$1" in
    suite-sqlite | lint | types | fuzz-* | browser-*) echo SQLite ;;
    suite-postgres) echo PostgreSQL ;;
    *) echo - ;;
  esac
}

# A step is the function step_<name>, run in a process group of its own, so that an interrupt
# reaches everything it started and `set -e` holds inside it.
run_step() {
  local name="$1" started=$SECONDS outcome=passed
  heading "$name"
  set -m
  (
    set -euo pipefail
    trap stop_started EXIT
    trap 'exit 143' INT TERM
    "step_${name//-/_}"
  ) </dev/null &
  CURRENT_STEP=$!
  set +m
  wait "$CURRENT_STEP" || outcome=failed
  CURRENT_STEP=
  RESULTS+=("$name|$(database_of "$name")|$outcome|$((SECONDS - started))")
  note "$name $outcome after $((SECONDS - started)) s"
}

print_summary() {
  local passed=0 failed=0 row name database outcome seconds
  printf '\n== [%s] summary\n\n' "$(clock $SECONDS)"
  printf '   %-16s %-11s %-7s %8s\n' step database result seconds
  for row in "${RESULTS[@]}"; do
    IFS='|' read -r name database outcome seconds <<<"$row"
    printf '   %-16s %-11s %-7s %8s\n' "$name" "$database" "$outcome" "$seconds"
    if [ "$outcome" = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  printf '\n   logs, reports and pictures: %s\n\n' "$OUT"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

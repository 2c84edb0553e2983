# The served OpenAPI document against linters, a compiler, a client and a fuzzer.

step_lint() {
  need_npm_tools
  start_server lint
  fetch_document
  note "Spectral"
  "$TOOLS/node_modules/.bin/spectral" lint --ruleset tests/contract/spectral.yaml --fail-severity warn "$DOCUMENT"
  note "Redocly"
  REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
    "$TOOLS/node_modules/.bin/redocly" lint --config tests/contract/redocly.yaml "$DOCUMENT" 2>"$OUT/redocly.log" || {
    cat "$OUT/redocly.log" >&2
    return 1
  }
  check_server
}

step_types() {
  local folder="$OUT/types"
  need_npm_tools
  start_server types
  create_admin_token
  fetch_document
  rm -rf "$folder"
  mkdir -p "$folder"
  cp tests/contract/sample.ts tests/contract/tsconfig.json "$folder/"
  echo '{"type": "module"}' >"$folder/package.json"
  note "types from the document"
  "$TOOLS/node_modules/.bin/openapi-typescript" "$DOCUMENT" --output "$folder/openapi.d.ts" >"$OUT/openapi-typescript.log" 2>&1 || {
    cat "$OUT/openapi-typescript.log" >&2
    return 1
  }
  note "tsc --strict"
  "$TOOLS/node_modules/.bin/tsc" --project "$folder/tsconfig.json"
  note "the sample against the server"
  INSIGHTS_URL="$BASE" INSIGHTS_TOKEN="$TOKEN" node "$folder/sample.js"
  check_server
}

# An event stream ends when its client leaves or its time is over; Schemathesis waits for the end.
FUZZ_SETTINGS=(INSIGHTS_EVENT_STREAM_LIFETIME=1)

# run_schemathesis NAME [ARGUMENT...]
run_schemathesis() {
  local name="$1"
  shift
  PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY="$WORK/hypothesis" \
    "$VENV/bin/st" --no-color --config-file tests/contract/schemathesis.toml run "$BASE/openapi.json" --url "$BASE" \
    --max-examples "${FUZZ_EXAMPLES:-25}" --seed "${FUZZ_SEED:-1}" \
    --report junit,ndjson --report-dir "$OUT/$name" "$@"
}

step_fuzz_anonymous() {
  need_venv
  start_server fuzz-anonymous "${FUZZ_SETTINGS[@]}"
  run_schemathesis fuzz-anonymous
  check_server
}

step_fuzz_token() {
  need_venv
  start_server fuzz-token "${FUZZ_SETTINGS[@]}"
  create_admin_token
  FUZZ_PROTECTED_IDS="$(own_token_ids)"
  export FUZZ_PROTECTED_IDS
  run_schemathesis fuzz-token --header "Authorization: Bearer $TOKEN"
  check_token
  check_server
}

# The ids of the tokens that exist before the run: its own, which must live until the end.
own_token_ids() {
  curl -fsS -m 10 -H "Authorization: Bearer $TOKEN" "$BASE/v1/tokens" |
    python3 -c 'import json, sys; print(",".join(t["id"] for t in json.load(sys.stdin)["data"]))'
}

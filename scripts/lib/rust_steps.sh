# The steps that need only the Rust toolchain, and the suite on both databases.

step_fmt() { cargo fmt --all --check; }

step_clippy() { cargo clippy --workspace --all-targets --locked -- -D warnings; }

step_doc() {
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
}

# Advisories need a database from outside: not here.
step_deny() {
  need_cargo_deny
  "$DENY" --workspace check licenses bans sources
}

run_suite() {
  need_jq
  export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-1}"
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
  else
    cargo test --workspace --locked --no-fail-fast --lib --bins --tests
  fi
}

step_suite_sqlite() {
  unset TEST_DATABASE
  run_suite
  cargo test --workspace --locked --doc
}

step_suite_postgres() {
  start_postgres
  export TEST_DATABASE="$POSTGRES_URL"
  run_suite
}

step_build() { need_server_binary; }

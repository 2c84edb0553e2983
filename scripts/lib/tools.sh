# Installs what a step needs and a new machine lacks.
# Invariant: everything not from Debian goes into $CACHE, under a name that changes with its pins.

CARGO_DENY_VERSION=0.20.2

# need_debian COMMAND-OR-PATH PACKAGE...: installs the packages if the command is not there.
need_debian() {
  local command="$1"
  shift
  command -v "$command" >/dev/null || install_debian "$command" "$@"
}

# install_debian WHAT-IS-MISSING PACKAGE...
install_debian() {
  local missing="$1"
  shift
  [ "$(id -u)" -eq 0 ] || die "$missing is missing: install it (Debian: apt-get install $*) or run this as root"
  note "installing $* ($missing is missing)"
  refresh_package_lists
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=600 "$@" >"$OUT/apt-install.log" 2>&1 ||
    die "apt-get install $* failed, see $OUT/apt-install.log"
}

# Once for each run; another apt-get may hold the lists for a while.
refresh_package_lists() {
  local try
  if [ -e "$WORK/apt-updated" ]; then return 0; fi
  for try in 1 2 3 4 5 6; do
    if apt-get update >"$OUT/apt-update.log" 2>&1; then
      touch "$WORK/apt-updated"
      return 0
    fi
    note "apt-get update failed (try $try), waiting"
    sleep 10
  done
  die "apt-get update failed, see $OUT/apt-update.log"
}

need_python() {
  need_debian python3 python3 python3-venv
  need_debian curl curl
}

# The tutorial shows answers with jq, and the suite runs it.
need_jq() {
  need_debian curl curl
  need_debian jq jq
}

need_node() {
  need_debian node nodejs npm
  need_debian npm npm
}

# Sets TOOLS to the folder whose node_modules hold tests/tools/package.json's packages.
need_npm_tools() {
  need_node
  local pins
  pins="$(cat tests/tools/package.json tests/tools/package-lock.json | sha256sum | cut -c1-16)"
  TOOLS="$CACHE/npm-$pins"
  if [ -d "$TOOLS/node_modules" ]; then return 0; fi
  note "installing the npm tools into $TOOLS"
  rm -rf "$TOOLS.new"
  mkdir -p "$TOOLS.new"
  cp tests/tools/package.json tests/tools/package-lock.json "$TOOLS.new/"
  npm ci --prefix "$TOOLS.new" --ignore-scripts --no-audit --no-fund >"$OUT/npm.log" 2>&1 ||
    die "npm ci failed, see $OUT/npm.log"
  rm -rf "$TOOLS"
  mv "$TOOLS.new" "$TOOLS"
}

# Sets VENV to a Python environment with tests/tools/requirements.txt's packages.
need_venv() {
  need_python
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_debian 'the venv module' python3-venv
  local pins
  pins="$( (python3 --version && cat tests/tools/requirements.txt) | sha256sum | cut -c1-16)"
  VENV="$CACHE/venv-$pins"
  if [ -e "$VENV/complete" ]; then return 0; fi
  note "installing the Python tools into $VENV"
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check -r tests/tools/requirements.txt \
    >"$OUT/pip.log" 2>&1 || die "pip install failed, see $OUT/pip.log"
  touch "$VENV/complete"
}

need_chromium() {
  CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
  need_debian "$CHROMIUM" chromium fonts-dejavu-core
}

# Sets DENY to a cargo-deny of the pinned version.
need_cargo_deny() {
  DENY="$CACHE/cargo-deny-$CARGO_DENY_VERSION/bin/cargo-deny"
  if [ -x "$DENY" ]; then return 0; fi
  if [ "$(cargo-deny --version 2>/dev/null)" = "cargo-deny $CARGO_DENY_VERSION" ]; then
    DENY="$(command -v cargo-deny)"
    return 0
  fi
  note "building cargo-deny $CARGO_DENY_VERSION (some minutes, once)"
  (
    cd "$CACHE"
    CARGO_TARGET_DIR="$WORK/cargo-deny" cargo install --quiet --locked cargo-deny \
      --version "$CARGO_DENY_VERSION" --root "$CACHE/cargo-deny-$CARGO_DENY_VERSION" --no-track
  ) || die "cargo install cargo-deny failed"
  rm -rf "$WORK/cargo-deny"
}

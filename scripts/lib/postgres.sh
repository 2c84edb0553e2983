# A PostgreSQL for one step: its own folder, its own port, gone afterwards.
# Invariant: nothing but 127.0.0.1 can reach it, and no cluster of the machine is touched.

# Prints the folder of the newest server installed from Debian, nothing if there is none.
postgres_bin() {
  local initdb
  for initdb in $(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -rV); do
    if [ -x "$initdb" ]; then
      dirname "$initdb"
      return 0
    fi
  done
}

need_postgres() {
  if [ -z "$(postgres_bin)" ]; then
    # Debian's package would create and start a cluster of its own on port 5432.
    if [ "$(id -u)" -eq 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
      mkdir -p /etc/postgresql-common
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    install_debian 'a PostgreSQL server' postgresql
  fi
  PG_BIN="$(postgres_bin)"
  [ -n "$PG_BIN" ] || die "no /usr/lib/postgresql/*/bin/initdb after installing postgresql"
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/tmp "$@"
  fi
  exec "$@"
}

# Sets POSTGRES_URL. The collation is a language's, not C, because that is what operators run:
# an order that depends on it shows up here.
start_postgres() {
  local folder="$WORK/postgres" port pid
  need_python
  need_postgres
  port="$(free_port)"
  rm -rf "$folder"
  mkdir -m 700 "$folder"
  if [ "$(id -u)" -eq 0 ]; then chown postgres:postgres "$folder"; fi
  (cd / && as_postgres "$PG_BIN/initdb" --pgdata="$folder/data" --username=insights --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US --no-sync) \
    >"$OUT/initdb.log" 2>&1 || die "initdb failed, see $OUT/initdb.log"
  (cd / && as_postgres "$PG_BIN/postgres" -D "$folder/data" -k "$folder" -h 127.0.0.1 -p "$port" \
    -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.max=20000 -c max_connections=300 -c fsync=off -c synchronous_commit=off -c full_page_writes=off) \
    >"$OUT/postgres.log" 2>&1 &
  pid=$!
  STARTED+=("INT:$pid") # a fast shutdown; TERM would wait for the clients
  wait_until 60 "$pid" "$PG_BIN/psql" -h 127.0.0.1 -p "$port" -U insights -d postgres -c 'select 1' ||
    die "PostgreSQL did not start, see $OUT/postgres.log"
  POSTGRES_URL="postgres://insights@127.0.0.1:$port/postgres"
  note "PostgreSQL $("$PG_BIN/postgres" --version | grep -oE '[0-9]+(\.[0-9]+)+' | head -1) on 127.0.0.1:$port"
}

#!/bin/sh
# Restores a backup that backup.sh made into an empty database: deploy/postgres/restore.sh BACKUP
#
# Where the database is, pg_restore takes from libpq's own variables and files, as backup.sh does.
set -eu

[ $# -eq 1 ] || {
    echo "usage: $0 BACKUP" >&2
    exit 2
}
(cd "$1" && sha256sum --check --quiet SHA256SUMS) || {
    echo "The backup $1 is not what was dumped: nothing was restored." >&2
    exit 1
}
there=$(psql --no-psqlrc --tuples-only --no-align --command \
    "SELECT string_agg(nspname, ', ') FROM pg_namespace WHERE nspname IN ('tickets_log', 'billing_log', 'personal_keys')")
[ -z "$there" ] || {
    echo "The database holds $there already; restore into an empty one." >&2
    exit 1
}
for dump in personal-keys.dump fristwerk.dump; do
    pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="${PGDATABASE:?}" "$1/$dump"
done
echo "restored $1; start the services"

#!/bin/sh
# One backup of a PostgreSQL database of Fristwerk, while the services run: deploy/postgres/backup.sh FOLDER
#
# Where the database is, pg_dump takes from libpq's own variables and files: PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSFILE.
# No password stands on a command line, where everybody on the machine could read it.
set -eu
umask 077

[ $# -eq 1 ] || {
    echo "usage: $0 FOLDER" >&2
    exit 2
}
made=$1/$(date -u +%Y-%m-%dT%H-%M-%SZ)
draft=$made.unfinished
rm -rf "$1"/*.unfinished
mkdir -p "$draft"

# Each dump is of one moment. The keys of persons come second, so that no event in the first is sealed with a key that is missing.
pg_dump --format=custom --no-owner --no-privileges --exclude-schema=personal_keys --file="$draft/fristwerk.dump"
pg_dump --format=custom --no-owner --no-privileges --schema=personal_keys --file="$draft/personal-keys.dump"
(cd "$draft" && sha256sum fristwerk.dump personal-keys.dump >SHA256SUMS)
sync
mv "$draft" "$made"
echo "$made"

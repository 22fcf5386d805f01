#!/bin/sh
# A base backup of a whole PostgreSQL server, while it runs: deploy/postgres/base-backup.sh FOLDER
#
# With the archived write-ahead log it restores to any instant after it (restore-to.sh). Where the server is, pg_basebackup
# takes from libpq's own variables and files: PGHOST, PGPORT, PGUSER, PGPASSFILE. The user needs the right REPLICATION.
set -eu
umask 077

[ $# -eq 1 ] || {
    echo "usage: $0 FOLDER" >&2
    exit 2
}
made=$1/base-$(date -u +%Y-%m-%dT%H-%M-%SZ)
draft=$made.unfinished
rm -rf "$1"/base-*.unfinished
mkdir -p "$1"
pg_basebackup --pgdata="$draft" --checkpoint=fast --wal-method=stream
(cd "$draft" && find . -type f ! -name SHA256SUMS -exec sha256sum {} + >SHA256SUMS)
mv "$draft" "$made"
sync
echo "$made"

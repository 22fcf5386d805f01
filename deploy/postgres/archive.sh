#!/bin/sh
# One file of the write-ahead log into the archive, whole or not at all. In postgresql.conf:
# archive_command = '/usr/local/lib/fristwerk/archive.sh "%p" /backup/wal/%f'
set -eu
umask 077

[ $# -eq 2 ] || {
    echo "usage: $0 FILE COPY" >&2
    exit 2
}
if [ -e "$2" ]; then
    # PostgreSQL asks again where it was stopped in between; another file under the same name is never replaced.
    exec cmp -s "$1" "$2"
fi
cp "$1" "$2.draft"
sync "$2.draft"
mv "$2.draft" "$2"
sync "$(dirname "$2")"

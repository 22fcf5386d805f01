#!/bin/sh
# A data folder of PostgreSQL as of an instant, from a base backup and the archived write-ahead log:
# deploy/postgres/restore-to.sh BASE ARCHIVE DATA INSTANT
#
# DATA is empty or not there, INSTANT is written as '2026-06-03 14:30:00+00' and lies after the base backup. Run it as the user
# that runs PostgreSQL. Nothing is started here: docs/operations/backup.md says what to check before the services are.
set -eu
umask 077

[ $# -eq 4 ] || {
    echo "usage: $0 BASE ARCHIVE DATA INSTANT" >&2
    exit 2
}
case $2$4 in
*\'*)
    echo "Neither the path of the archive nor the instant may hold a quotation mark." >&2
    exit 2
    ;;
esac
[ -z "$(ls -A "$3" 2>/dev/null)" ] || {
    echo "$3 holds something already; restore into an empty folder." >&2
    exit 1
}
(cd "$1" && sha256sum --check --quiet SHA256SUMS) >&2 || {
    echo "The base backup $1 is not what was copied: nothing was restored." >&2
    exit 1
}
mkdir -p "$3"
chmod 0700 "$3"
cp -R "$1/." "$3"
rm "$3/SHA256SUMS"
# A file of the archive whose name ends in .draft was never whole. The last setting of a name holds.
cat >>"$3/postgresql.auto.conf" <<END
restore_command = 'cp "$2/%f" "%p"'
recovery_target_time = '$4'
recovery_target_inclusive = on
recovery_target_action = 'promote'
recovery_target_timeline = 'current'
END
touch "$3/recovery.signal"
sync
echo "restored $1 into $3; started, PostgreSQL goes on to $4"

#!/bin/sh
# Builds the image with buildah, which needs no daemon: `make image`.
#
#   TAG=fristwerk        what the image is called
#   BASE=image           what it is built on, best by its digest; the Containerfile names the default
#   BUILD_OPTIONS=…      more options for buildah
#   SOURCE_DATE_EPOCH=n  the second that every file and layer carries; default: that of the last commit
#   TWICE=yes            build it again without what the first build left, and compare the layers
set -eu
cd "$(dirname "$0")/../.."

TAG=${TAG:-fristwerk}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

command -v buildah >/dev/null || {
    echo "The image is built with buildah. On Debian or Ubuntu: apt install buildah" >&2
    exit 1
}

build() {
    buildah build --quiet --format docker --no-cache --timestamp "$SOURCE_DATE_EPOCH" \
        --build-arg SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" ${BASE:+--build-arg BASE="$BASE"} ${BUILD_OPTIONS:-} \
        --ignorefile .containerignore --file deploy/containers/Containerfile --tag "$1" . >/dev/null
}

# The digests of its layers. The image's own digest differs from build to build, as the format with a health check also names
# the container that it was built in.
layers() {
    buildah inspect --type image --format '{{range .OCIv1.RootFS.DiffIDs}}{{.}} {{end}}' "$1"
}

build "$TAG"
first=$(layers "$TAG")
echo "$TAG has the layers $first"
if [ -n "${TWICE:-}" ]; then
    build "$TAG-again"
    second=$(layers "$TAG-again")
    buildah rmi "$TAG-again" >/dev/null
    [ "$first" = "$second" ] || {
        echo "Built again it has $second: the build is not reproducible." >&2
        exit 1
    }
    echo "Built again it has the same."
fi

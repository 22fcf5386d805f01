#!/bin/sh
# Makes `.venv` ready: pinned requirements with hashes, then Fristwerk's own packages, editable. Called by `make`.
#
# Installs nothing outside the checkout and needs nothing but a Python with venv and the usual package index.
# uv comes from its own pin into `.venv` and installs the rest in seconds; where it cannot, plain pip does the same.
set -eu
cd "$(dirname "$0")/../.."

refuse() {
    echo "Fristwerk: $1" >&2
    exit 1
}

# A name out of the list that is a Python of at least 3.11; the last one tried decides the complaint.
find_python() {
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

make_venv() {
    python=$(find_python)
    [ -n "$python" ] || refuse "needs Python 3.11 or newer, but ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || true).
  Install one, or name one: make setup PYTHON=python3.12"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        refuse "$python has no venv. On Debian or Ubuntu: apt install python3-venv"
    echo "Making .venv with $("$python" --version) …"
    rm -rf .venv
    "$python" -m venv --without-pip .venv
}

# The pip that comes with every Python, run out of its wheel: installing it first would take longer than all the rest.
bundled_pip() {
    .venv/bin/python -c '
import ensurepip, pathlib, sysconfig
folders = [sysconfig.get_config_var("WHEEL_PKG_DIR"), pathlib.Path(ensurepip.__file__).parent / "_bundled"]
print(next(wheel for folder in folders if folder for wheel in pathlib.Path(folder).glob("pip-*.whl")))'
}

pip_install() {
    .venv/bin/python "$(bundled_pip)/pip" install --quiet --disable-pip-version-check "$@"
}

install_with_uv() {
    pip_install --require-hashes --requirement requirements-uv.txt || return 1
    # A mirror that pip was told of is good for uv as well.
    if [ -n "${PIP_INDEX_URL:-}" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then
        export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
    fi
    .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --requirement requirements.txt &&
        .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation "$@"
}

install_with_pip() {
    echo "uv could not do it; installing with pip, which takes a little longer …"
    pip_install --require-hashes --requirement requirements.txt &&
        pip_install --no-deps --no-build-isolation "$@"
}

.venv/bin/python -c '' 2>/dev/null || make_venv
echo "Installing the pinned requirements …"
set -- --editable ./shared/language --editable ./shared/proof --editable ./shared/platform --editable ./shared/client --editable ./services/ticket-service --editable ./services/sla-service \
    --editable ./services/billing-service --editable ./services/verifier --editable ./tools/cases --editable ./deploy/local
install_with_uv "$@" || install_with_pip "$@" ||
    refuse "the requirements could not be installed; the lines above say why. Is the package index within reach?"
touch .venv/ready

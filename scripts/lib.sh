# Shared by the scripts beside it, which source it. Everything they make lies in .venv, web/node_modules and
# telemetry_stream/static; nothing is installed elsewhere, but for Chromium by scripts/test.
# shellcheck shell=bash
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
python=$venv/bin/python
export npm_config_update_notifier=false # no advice about npm itself among the results

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# Prints the first Python that is new enough.
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null; then
        die "Python 3.11 or newer is needed; the python3 here is $(python3 --version 2>&1 | cut -d' ' -f2). Install a newer one beside it."
    fi
    die "Python 3.11 or newer is needed and there is no python3 on PATH (Debian, Ubuntu: apt install python3 python3-venv)."
}

make_venv() {
    local found
    if [ -x "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        return
    fi
    found=$(find_python)
    "$found" -c 'import ensurepip, venv' 2>/dev/null ||
        die "Python's venv module is missing. Install it (Debian, Ubuntu: apt install python3-venv) and try again."
    "$found" -m venv --clear "$venv" || die "No virtual environment could be made in $venv; why is above."
}

pip_install() {
    "$python" -m pip install --quiet --disable-pip-version-check "$@" ||
        die "pip could not install that; why is above. The first time it needs the network, to reach the package index."
}

# ask has_node, ask is_built, ask has_modules: the answers of build_web.py, as exit status.
ask() {
    PYTHONPATH=$root/scripts "$python" -c "import build_web, sys; sys.exit(not build_web.$1())"
}

everything="[all,dev]"

# install "" or install "$everything": the package, editable, with these extras into .venv, and the page into
# telemetry_stream/static. Does nothing when nothing has changed since; the root is part of that, since a moved .venv
# still points to where it was.
install() {
    local stamp state
    make_venv
    state=$(printf '%s\n' "$root" | cat - "$root"/setup.cfg "$root"/pyproject.toml "$root"/scripts/build_*.py | cksum)
    for stamp in "$venv/installed$1" "$venv/installed$everything"; do
        if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && ask is_built; then
            return
        fi
    done
    say "Installing telemetry_stream$1 into .venv; this takes a minute the first time ..."
    pip_install --editable "$root$1"
    printf '%s\n' "$state" >"$venv/installed$1"
}

# npm on PATH and web/node_modules as package-lock.json says.
need_npm() {
    if ! ask has_node; then
        PATH=$venv/bin:$PATH
        ask has_node || pip_install "$(PYTHONPATH=$root/scripts "$python" -c 'import build_web; print(build_web.NODE_WHEEL)')"
    fi
    PYTHONPATH=$root/scripts "$python" -c 'import build_web; build_web.install_modules()'
}

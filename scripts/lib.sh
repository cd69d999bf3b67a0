# Functions that the other scripts source. Everything that they create is in .venv, web/node_modules and
# telemetry_stream/static. Only scripts/test installs packages elsewhere: those that the tests need.
# shellcheck shell=bash
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
python=$venv/bin/python
export npm_config_update_notifier=false # no messages about new versions of npm between the results
unset PYTHONDONTWRITEBYTECODE            # tests start the program hundreds of times, and would compile it each time

log() { printf '%s\n' "$*" >&2; }
die() {
    log "$*"
    exit 1
}

# Runs a command in the background, as $!. It gets a process group of its own, so that end_group also ends its children.
start_group() { # COMMAND...
    set -m
    "$@" </dev/null &
    set +m
}

end_group() { # PID
    kill -- "-$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# Prints the first Python on PATH that is new enough.
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null; then
        die "Python 3.11 or newer is required, but python3 on PATH is $(python3 --version 2>&1 | cut -d' ' -f2). Install a newer one beside it."
    fi
    die "Python 3.11 or newer is required, but there is no python3 on PATH (Debian, Ubuntu: apt install python3 python3-venv)."
}

require_venv_module() { # PYTHON
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        die "The venv module of Python is missing. Install it (Debian, Ubuntu: apt install python3-venv) and try again."
}

# Returns whether the Python of a virtual environment is new enough and has pip. An interrupted creation leaves one without
# pip. After an upgrade of the distribution, it has another version, which does not find the packages of the old one.
is_usable() { # PYTHON
    [ -x "$1" ] && "$1" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

make_venv() {
    local found
    if is_usable "$python"; then
        return
    fi
    found=$(find_python)
    require_venv_module "$found"
    "$found" -m venv --clear "$venv" || die "Cannot create a virtual environment in $venv; the reason is above."
}

pip_install() {
    "$python" -m pip install --quiet --disable-pip-version-check "$@" ||
        die "pip failed; the reason is above. The first installation needs a network connection to the package index."
}

# build_web has_node, build_web is_built: run this function of build_web.py; its result is the exit status.
build_web() {
    PYTHONPATH=$root/scripts "$python" -c "import build_web, sys; sys.exit(not build_web.$1())"
}

everything="[all,dev]"

# install "" or install "$everything": installs the package with these extras into .venv (editable), and builds the page
# into telemetry_stream/static. Does nothing if nothing has changed. The root directory is part of the state, because a
# .venv that was moved still refers to its old place.
install() {
    local page='' stamp state
    make_venv
    state=$(printf '%s\n' "$root" | cat - "$root"/setup.cfg "$root"/pyproject.toml "$root"/scripts/build_*.py | cksum)
    for stamp in "$venv/installed$1" "$venv/installed$everything"; do
        if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && build_web is_built; then
            return
        fi
    done
    log "Installing telemetry_stream$1 into .venv. The first time, this takes a minute ..."
    # Meanwhile, npm builds the page. pip would build it too, but finds it finished: build_web.py has a lock.
    if build_web has_node; then
        start_group "$python" "$root"/scripts/build_web.py
        page=$!
        # shellcheck disable=SC2064  # a local variable
        trap "end_group $page" EXIT # if pip fails, and after Ctrl-C
    fi
    # Python compiles a module when it is first imported, and most of those that pip would compile never are.
    pip_install --no-compile --editable "$root$1"
    wait $page || true # pip has built the page then
    trap - EXIT
    printf '%s\n' "$state" >"$venv/installed$1"
}

# Puts npm on PATH, that of deploy/node.lock if there is no other, and installs the packages of web/package-lock.json into
# web/node_modules. One in .venv of another version than that of the lock is replaced.
need_npm() {
    build_web has_node || PATH=$venv/bin:$PATH
    if build_web needs_node; then
        pip_install --require-hashes --requirement "$root/deploy/node.lock"
    fi
    PYTHONPATH=$root/scripts "$python" -c 'import build_web; build_web.install_modules()'
}

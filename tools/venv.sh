#!/usr/bin/env bash
# Creates or refreshes a virtual environment: tools/venv.sh FOLDER REQUIREMENT...
# A stamp made of pyproject.toml, this script and the requirements makes a second run instant.
set -euo pipefail
folder=$1
shift

say() { printf '%s\n' "$*" >&2; }

stamp=$({ cat pyproject.toml tools/venv.sh; printf '%s\n' "$@"; } | cksum)
if [ -x "$folder/bin/python" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed and was not found (looked for: ${PYTHON:-python3, python3.11 to python3.14})."
    say "Install it, or name one: make setup PYTHON=/path/to/python3.12"
    exit 1
}

# Debian ships Python without ensurepip unless python3-venv is installed; a pip outside can fill in for it.
create_with_pip() {
    rm -rf "$folder"
    if "$python" -m venv "$folder" >/dev/null 2>&1; then
        return
    fi
    rm -rf "$folder"
    if "$python" -m venv --without-pip "$folder" >/dev/null 2>&1 &&
        "$python" -m pip --python "$folder/bin/python" install --quiet 'pip>=25.1' 2>/dev/null; then
        return
    fi
    rm -rf "$folder"
    say "$python cannot create a virtual environment here: its venv or ensurepip module is missing."
    say "On Debian or Ubuntu: apt-get install python3-venv      Or install uv: https://docs.astral.sh/uv/"
    exit 1
}

works() { "$folder/bin/python" -c "import $1" >/dev/null 2>&1; }

install_with_uv() {
    works sys || uv venv --quiet --clear --python "$python" "$folder"
    uv pip install --python "$folder/bin/python" "$@"
}

install_with_pip() {
    works pip || create_with_pip
    "$folder/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
    "$folder/bin/python" -m pip install --progress-bar on "$@"
}

python=$(find_python)
say "Setting up $folder with $("$python" --version) (the first time this downloads a few hundred MB) ..."
if ! command -v uv >/dev/null; then
    install_with_pip "$@"
elif ! install_with_uv "$@"; then
    say "uv could not do it (see above); trying pip."
    install_with_pip "$@"
fi
printf '%s\n' "$stamp" >"$folder/stamp"
say "$folder is ready."

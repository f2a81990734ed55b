#!/usr/bin/env bash
# Makes .venv from uv.lock and first installs what is missing: python3, a C compiler and git as Debian packages (as root
# on Debian), and uv into the user's cache. Arguments are further programs to install, named like their packages;
# `clang+libclang-rt-dev` is a program that needs another package too. Prints nothing when everything is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/taskyard"
log="$cache/bootstrap.log"
mkdir -p "$cache"

fail() {
    echo "bootstrap: $1 failed; the log is $log" >&2
    tail -n 5 "$log" >&2
    exit 1
}

missing=()
python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || missing+=(python3 python3-venv)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v git >/dev/null || missing+=(git)
for program in "$@"; do
    # shellcheck disable=SC2206 # split into packages
    command -v "${program%%+*}" >/dev/null || missing+=(${program//+/ })
done
if ((${#missing[@]})); then
    if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
        echo "bootstrap: missing, and installed automatically only as root on Debian: ${missing[*]}" >&2
        exit 1
    fi
    echo "==> installing ${missing[*]}"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 || fail "apt-get"
fi

uv=$(command -v uv || true)
if [[ -z $uv ]]; then
    uv="$cache/uv/bin/uv"
    if [[ ! -x $uv ]]; then
        echo "==> installing uv"
        { python3 -m venv "$cache/uv" && "$cache/uv/bin/python" -m pip install --quiet uv; } >"$log" 2>&1 || fail "uv"
    fi
fi
"$uv" sync --frozen --quiet >"$log" 2>&1 || fail "uv sync"

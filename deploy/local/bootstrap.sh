#!/usr/bin/env bash
# Makes .venv from uv.lock, installing what that needs first: python3, a C compiler and make's companions from Debian when
# this is root on Debian and they are missing, and uv into the user's cache. Arguments are more programs to install, named
# like their packages; `clang+libclang-rt-dev` is a program that needs another package too. Prints nothing when all is there.
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
    # shellcheck disable=SC2206 # divided into packages
    command -v "${program%%+*}" >/dev/null || missing+=(${program//+/ })
done
if ((${#missing[@]})); then
    if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
        echo "bootstrap: these are missing and only root on Debian gets them installed: ${missing[*]}" >&2
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

# Sourced by the other scripts: where things are built, how they speak, and who runs them.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export repository

# Outside the checkout, so that RocksDB is compiled once for every clone.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rivetctl/target}
release_dir=$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/release
export release_dir

# A second set of flags would compile RocksDB a second time.
unset RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET

# Where rustup puts cargo, and where Debian puts what only root needs.
PATH=$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin

say() { printf '\n== %s\n' "$*"; }

fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# The comment at the top of the running script, which is its help.
help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# Where the file systems of the sample product's images are kept.
product_directory() { printf '%s/rivetctl/product\n' "${XDG_CACHE_HOME:-$HOME/.cache}"; }

# Where this machine's apt gets Debian from.
mirror_of_this_machine() {
    grep -hE '^(URIs:|deb )' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -oE '(https?|mirror\+file|file):[^ ]+' | grep -E '/debian/?$' | head -n 1 || true
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null 2>&1 || fail "this needs root, and there is no sudo: run it as root"
        sudo --preserve-env=HOME,PATH,CARGO_TARGET_DIR,XDG_CACHE_HOME "$@"
    fi
}

# Starts the running script again as root, for those that make network namespaces.
need_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    as_root "$0" "$@"
    exit
}

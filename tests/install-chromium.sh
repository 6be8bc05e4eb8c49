#!/bin/sh
# Prints the path of a Chromium for the tests that look at pages. Where there is none, Debian's is
# installed, as far as this user may and the network allows within some seconds; else this says why
# there is none, and fails.
set -eu

seconds=${1:-150}
deadline=$(($(date +%s) + seconds))

found() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

none() {
    echo "there is no Chromium, and $1" >&2
    exit 1
}

# Runs apt-get, by way of a command that may limit it. Another apt may be at work: its locks are
# waited for.
apt() {
    until LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; do
        grep -q 'Could not get lock' "$log" && [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 2
    done
}

# Only what comes from the network is cut short: nothing should end dpkg half-way.
fetch() {
    left=$((deadline - $(date +%s)))
    [ "$left" -gt 0 ] && apt timeout "$left" apt-get "$@"
}

if found; then exit; fi
command -v apt-get >/dev/null || none "no apt-get to install one with"
[ "$(id -u)" -eq 0 ] || none "only root may install one: apt-get install chromium"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
    fetch update &&
        fetch install --yes --no-install-recommends --download-only chromium &&
        apt apt-get install --yes --no-install-recommends --no-download chromium
} || none "it could not be installed within $seconds s: $(tail -n 1 "$log")"
found || none "the one that was installed cannot be found"

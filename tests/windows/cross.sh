#!/usr/bin/env bash
# Builds consign for Windows (x86_64-pc-windows-gnu) and tests it under Wine, on a Debian machine, from
# Debian's packages and the Rust registry alone. Nothing is installed on the machine.
#
#   cross.sh [--cache FOLDER] [--jobs N] COMMAND [ARGUMENTS]
#
#   prepare            fetches and unpacks the tools, as every other command does where needed
#   check [ARGUMENTS]  cargo check (without arguments: --all-targets)
#   build [ARGUMENTS]  cargo build (without arguments: --bins)
#   test [ARGUMENTS]   cargo test under Wine, and an account of the tests: how many passed, which failed,
#                      and which were ignored for which reason
#   report             the same for all tests, with those that are built for this machine alone
#   wine EXE [...]     runs a program under Wine
#   env                prints the environment of these commands: eval "$(cross.sh env)"
#
# The cache folder is --cache, else $CONSIGN_WINDOWS_TOOLS, else ~/.cache/consign-windows-tools: outside
# of the checkout, so that a fresh checkout finds the tools. root/ is the unpacked packages (1.5 GB),
# prefix/ is Wine's (0.7 GB). cargo builds into target/windows, or into $CARGO_TARGET_DIR.
#
# Needed beforehand: Debian 12 with bookworm-security among its sources, gcc for the build scripts, and
# cargo. Root is needed only where apt's lists are missing. Warnings of consign are errors.
#
# Exit codes: cargo's, or the program's, or 3 where the tools cannot be had on this machine.
#
# No std for Windows is among Debian's packages, so cargo builds std from source (-Zbuild-std). That
# takes a compiler of the same version as the source: rustc-web and rust-web-src come from one source
# package. cargo itself may be of another version.
set -euo pipefail
export LC_ALL=C.UTF-8

WANTED=(rustc-web rust-web-src gcc-mingw-w64-x86-64-win32 wine64)
TARGET=x86_64-pc-windows-gnu
EXIT_WITHOUT_TOOLS=3

say() { printf 'windows: %s\n' "$*" >&2; }
fail() {
    say "error: $*"
    exit "$EXIT_WITHOUT_TOOLS"
}
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }

cache=${CONSIGN_WINDOWS_TOOLS:-$HOME/.cache/consign-windows-tools}
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --cache)
        [ $# -ge 2 ] || fail "--cache needs a folder"
        cache=$2
        shift 2
        ;;
    --jobs)
        [ $# -ge 2 ] || fail "--jobs needs a number"
        jobs=$2
        shift 2
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*) fail "no such option: $1; see --help" ;;
    *) break ;;
    esac
done
if [ $# -eq 0 ]; then
    usage >&2
    exit "$EXIT_WITHOUT_TOOLS"
fi
command=$1
shift
case $command in
prepare | check | build | test | report | wine | env) ;;
*) fail "no such command: $command; see --help" ;;
esac

package=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$cache" || fail "$cache cannot be made"
cache=$(cd "$cache" && pwd)
[[ $cache != *[[:space:]]* ]] || fail "cargo cannot run Wine from a path with a space: $cache"
root=$cache/root
host_lib=$root/usr/lib/x86_64-linux-gnu
host_libs=$host_lib:$root/lib/x86_64-linux-gnu:$host_lib/pulseaudio
wine_lib=$root/usr/lib/wine
std_source=$root/usr/lib/rustlib/src/rust

# --- the tools ------------------------------------------------------------------------------------

# Prints the oldest compiler that will do. That of bookworm itself is older.
oldest_rust() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$package/Cargo.toml"; }

# Prints the wanted packages, and those which they need and the machine lacks. The C library and what
# belongs to it are the machine's: a second one would break whatever runs beside it.
packages() {
    local needed
    needed=$(apt-get install --print-uris -y --no-install-recommends "${WANTED[@]}") || return 1
    {
        sed -n "s/^'[^']*' \([^ _]*\)_[^ ]* [0-9]* .*/\1/p" <<<"$needed"
        printf '%s\n' "${WANTED[@]}"
    } | grep -vE '^(libc6|libc6-dev|libc-bin|libgcc-s1|libstdc\+\+6|gcc-12-base)$' | sort -u
}

# Unpacks a package without what nobody needs here: 32-bit Windows, documents, the compiler's source.
unpack() {
    dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" \
        --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
        --exclude='./usr/lib/x86_64-linux-gnu/wine/i386-windows' --exclude='*-w64-mingw32-lto-dump*' \
        --exclude='./usr/i686-w64-mingw32' --exclude='./usr/src/rustc-*/compiler' \
        --exclude='./usr/src/rustc-*/src/tools' --exclude='./usr/src/rustc-*/src/doc'
}

# Does what the packages' own scripts do at an installation.
settle() {
    local at=$1/usr name wine
    for name in gcc gcc-ar gcc-nm gcc-ranlib; do
        ln -sf "x86_64-w64-mingw32-$name-win32" "$at/bin/x86_64-w64-mingw32-$name"
    done
    wine=$at/lib/x86_64-linux-gnu/wine/x86_64-windows
    # Wine takes a DLL for its own by this mark.
    {
        head -c 64 "$at/x86_64-w64-mingw32/lib/zlib1.dll"
        printf 'Wine builtin DLL'
        head -c 16 /dev/zero
        tail -c +97 "$at/x86_64-w64-mingw32/lib/zlib1.dll"
    } >"$wine/zlib1.dll"
    # Debian's is a script with a fixed path.
    ln -sf wineserver64 "$at/lib/wine/wineserver"
}

is_known() {
    local candidate
    candidate=$(apt-cache policy rust-web-src | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p')
    [ -n "$candidate" ] && dpkg --compare-versions "$candidate" ge "$(oldest_rust)"
}

prepare() {
    local tool list deb start=$SECONDS fresh=$cache/root.new
    [ ! -e "$cache/ready" ] || return 0
    for tool in apt-get apt-cache dpkg dpkg-deb flock tar cc; do
        command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian, and gcc"
    done
    # Another checkout may be preparing the same folder.
    exec {preparing}>"$cache/lock"
    flock "$preparing"
    [ ! -e "$cache/ready" ] || return 0
    if ! is_known; then
        say "apt knows no rust-web-src since $(oldest_rust) yet: apt-get update"
        apt-get update -qq || fail "apt-get update failed: it needs root and the network"
        is_known || fail "apt knows no rust-web-src since $(oldest_rust): is bookworm-security a source?"
    fi
    list=$(packages) || fail "apt cannot resolve ${WANTED[*]}: is bookworm-security a source?"
    rm -rf "$cache/debs" "$fresh"
    mkdir "$cache/debs" "$fresh"
    say "fetching $(wc -l <<<"$list") packages"
    # shellcheck disable=SC2086 # A word for each package.
    if ! (cd "$cache/debs" && apt-get download -qq $list 2>../apt.log); then
        cat "$cache/apt.log" >&2
        fail "apt-get download failed"
    fi
    say "fetched $(du -sh "$cache/debs" | cut -f1) in $((SECONDS - start)) s"
    for deb in "$cache"/debs/*.deb; do
        unpack "$deb" "$fresh" || fail "$deb cannot be unpacked"
    done
    settle "$fresh" || fail "a package is not what this script takes it for"
    rm -rf "$root" "$cache/debs" "$cache/prefix"
    mv "$fresh" "$root"
    touch "$cache/ready"
    say "unpacked to $(du -sh "$root" | cut -f1), $((SECONDS - start)) s in all"
    exec {preparing}>&-
}

verify() {
    local compiler source again="remove $cache and try again"
    compiler=$("$root/usr/bin/rustc" -V) || fail "the unpacked rustc does not run; $again"
    source=$(cat "$std_source/src/version") || fail "there is no source of std; $again"
    [[ $compiler == "rustc $source "* ]] || fail "$compiler cannot build std $source; $again"
    x86_64-w64-mingw32-gcc --version >/dev/null || fail "the unpacked gcc does not run; $again"
    command -v cargo >/dev/null || fail "cargo is missing: install Rust"
    say "$compiler, mingw gcc $(x86_64-w64-mingw32-gcc -dumpversion), $(cargo -V), $jobs jobs"
}

# --- Wine -----------------------------------------------------------------------------------------

# Rust's std takes random bytes from a DLL that Windows has since version 8, and Wine since version 9:
# a stand-in with one function, made of another one.
make_random() {
    [ ! -e "$host_lib/wine/x86_64-windows/bcryptprimitives.dll" ] || return 0
    x86_64-w64-mingw32-gcc -O1 -s -shared -x c - -o "$1/bcryptprimitives.dll" -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(void *, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *bytes, SIZE_T count) { return SystemFunction036(bytes, count); }
C
}

# Ends what was begun: where Wine cannot make its desktop, it starts the same program again and again.
give_up() {
    "$wine_lib/wineserver64" -k </dev/null >/dev/null 2>&1 || true
    fail "$1"
}

# Makes Wine's prefix, as a Windows 10. Wine tries 32-bit programs too, which are not there, and says so.
make_prefix() {
    timeout -k 1 180 "$wine_lib/wine64" wineboot -i && timeout -k 1 60 "$wine_lib/wine64" winecfg -v win10
}

start_wine() {
    local start=$SECONDS
    if [ ! -e "$WINEPREFIX/ready" ]; then
        rm -rf "$WINEPREFIX"
        if ! make_prefix </dev/null >"$cache/wineboot.log" 2>&1; then
            head -n 20 "$cache/wineboot.log" >&2
            give_up "Wine made no prefix; is a library missing? (WINEDEBUG=err+all says more)"
        fi
        make_random "$WINEPREFIX/drive_c/windows/system32" || fail "bcryptprimitives.dll cannot be made"
        touch "$WINEPREFIX/ready"
        say "made Wine's prefix in $((SECONDS - start)) s"
    fi
    # A server that outlives the single program makes the next one start in 0.03 s instead of 0.4 s. It
    # and Wine's services must not hold our output open: whoever reads it would wait for their end.
    "$wine_lib/wineserver64" -p60 </dev/null >/dev/null 2>&1 || true
    timeout -k 1 60 "$wine_lib/wine64" cmd /c exit </dev/null >/dev/null 2>&1 ||
        give_up "Wine does not start; remove $WINEPREFIX and try again"
}

# --- the environment ------------------------------------------------------------------------------

environment() {
    cat <<END
export PATH=$root/usr/bin:$PATH
export LD_LIBRARY_PATH=$host_libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export RUSTC=$root/usr/bin/rustc RUSTDOC=$root/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export CARGO_BUILD_TARGET=$TARGET CARGO_UNSTABLE_BUILD_STD=std,panic_abort CARGO_BUILD_JOBS=$jobs
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$package/target/windows}
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine_lib/wine64
export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc-ar
export AWS_LC_SYS_PREBUILT_NASM=1 CONSIGN_TESTS_UNDER_WINE=1
export WINEPREFIX=${WINEPREFIX:-$cache/prefix} WINEDEBUG=${WINEDEBUG:--all} WINEARCH=win64
export WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe='
unset DISPLAY
END
}

run_cargo() {
    local start=$SECONDS outcome=0
    verify
    cd "$package"
    # Only the warnings of this package: an option in RUSTFLAGS would build all others anew.
    CARGO_UNSTABLE_WARNINGS=true CARGO_BUILD_WARNINGS=deny cargo "$@" || outcome=$?
    say "cargo $*: $((SECONDS - start)) s"
    return "$outcome"
}

# --- tests ----------------------------------------------------------------------------------------

# Runs cargo test under Wine, and prints the account of all tests.
run_tests() {
    local program=$CARGO_TARGET_DIR/ctrl_c.exe log=$CARGO_TARGET_DIR/tests.log outcome=0
    start_wine
    mkdir -p "$CARGO_TARGET_DIR"
    # Under Wine the tests find no compiler of their own.
    x86_64-w64-mingw32-gcc -O1 -s -Wall -Wextra -o "$program" "$package/tests/windows/ctrl_c.c"
    export CONSIGN_CTRL_C_PROGRAM=Z:${program//\//\\}
    run_cargo test --locked "$@" 2>&1 | tee "$log" || outcome=$?
    account "$log"
    if [ "$outcome" != 0 ] && all_passed "$log"; then
        say "every test passed; a program crashed after its last test, as programs do under Wine 8 now and then"
        outcome=0
    fi
    return "$outcome"
}

# Succeeds if each program of a log has run its tests to the end, and no test has failed.
all_passed() {
    local programs results
    programs=$(grep -c '^     Running ' "$1" || true)
    results=$(grep -c '^test result: ok' "$1" || true)
    [ "$programs" -gt 0 ] && [ "$programs" = "$results" ]
}

# Prints how many tests of a log passed, which failed, and which were left out, below each reason.
account() {
    local log=$1 word
    echo "the tests under Wine:"
    for word in ok FAILED ignored; do
        printf '%6d %s\n' "$(grep -cE "^test .* \.\.\. $word" "$log" || true)" "$word"
    done
    sed -n 's/^test \(.*\) \.\.\. FAILED$/FAILED: \1/p' "$log"
    sed -n 's/^test \(.*\) \.\.\. ignored, \(.*\)$/\2\t\1/p' "$log" | below_reasons
}

# Prints lines of a reason and a test as one heading for each reason.
below_reasons() {
    sort | awk -F'\t' '$1 != reason { reason = $1; print "ignored: " reason } { print "    " $2 }'
}

# Prints the names of all tests that cargo builds for this machine.
list_tests() {
    (cd "$package" && cargo test --locked --lib --tests -- --list) | sed -n 's/: test$//p' | sort
}

# Prints the tests for this machine that a log does not know: modules for another system.
not_built() {
    comm -13 <(sed -n 's/^test \(.*\) \.\.\. .*$/\1/p' "$1" | sort) - |
        sed 's/^/for Linux or Unix alone, and not built\t/' | below_reasons
}

prepare
if [ "$command" = report ]; then
    tests_here=$(list_tests)
fi
eval "$(environment)"
case $command in
prepare)
    verify
    say "the tools are in $cache"
    ;;
env) environment ;;
wine)
    [ $# -gt 0 ] || fail "wine: which program?"
    start_wine
    exec "$wine_lib/wine64" "$@"
    ;;
check)
    [ $# -gt 0 ] || set -- --all-targets
    run_cargo check --locked "$@"
    ;;
build)
    [ $# -gt 0 ] || set -- --bins
    run_cargo build --locked "$@"
    ;;
test) run_tests "$@" ;;
report)
    outcome=0
    run_tests --no-fail-fast --lib --tests || outcome=$?
    not_built "$CARGO_TARGET_DIR/tests.log" <<<"$tests_here"
    exit "$outcome"
    ;;
esac

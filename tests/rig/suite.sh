# shellcheck shell=bash disable=SC2034
# What the rigs' test suites share; sourced by suite-x86 and suite-arm64 with their arguments.
# A comment "# rig: ..." of their TAP is shown by scripts/test-summary.

arch=${0##*/suite-}
quick=''
if [ "${1-}" = --quick ]; then
    quick=--quick
    shift
fi
vmaccel=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
guest=${VMACCEL_GUEST_DIR:-$root/build/guest}
rig=$root/tests/rig/run-$arch

if ! "$root/scripts/setup" run "rig-$arch" || ! "$root/scripts/guest-kernel" "$arch"; then
    echo "1..0 # skip the rig needs QEMU and Debian's cloud kernel"
    exit 77
fi
"$root/scripts/guest-initramfs" "$arch"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0 failed=0

# conformance NAME RIG-OPTIONS PLATFORM [OPTIONS...]: the suite, or what the options choose of it, in a
# rig with these options.
conformance() {
    local name=$1 status=0 planned skipped on=$2 accel=$3
    shift 3
    # shellcheck disable=SC2086 # RIG-OPTIONS are words
    "$rig" $on --timeout 900 --file "$vmaccel:/bin/vmaccel" -- \
        vmaccel check --accel "$accel" --tap "$@" >"$work/suite" || status=$?
    awk -v before="$cases" -v rig="$name: " '
        /^1\.\./ { next }
        /^(not )?ok [0-9]+ - / {
            word = /^not / ? "not ok " : "ok "
            rest = substr($0, length(word) + 1)
            number = rest + 0
            sub(/^[0-9]+ - /, "", rest)
            $0 = word (before + number) " - " rig rest
        }
        { print }' "$work/suite"
    planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$work/suite")
    skipped=$(grep -c '^ok .*# SKIP' "$work/suite" || true)
    cases=$((cases + ${planned:-0}))
    echo "# rig: $name: ${planned:-0} conformance cases on $accel, $skipped of them skipped"
    if grep -q '^not ok' "$work/suite"; then
        failed=1
    elif [ "$status" != 0 ]; then
        failed=1 cases=$((cases + 1))
        echo "not ok - $name: vmaccel check ended with status $status"
    fi
}

# boot NAME RIG-OPTIONS CPUS CONSOLE [OPTIONS...]: Debian's kernel reaches userspace and powers off.
boot() {
    local name="$1: Debian's kernel reaches userspace on $3 CPUs and powers off"
    local title=$1 on=$2 cpus=$3 console=$4 status=0
    shift 4
    cases=$((cases + 1))
    # shellcheck disable=SC2086 # RIG-OPTIONS are words
    "$rig" $on --timeout 180 --file "$vmaccel:/bin/vmaccel" \
        --file "$guest/vmlinuz:/guest/vmlinuz" --file "$guest/initrd.img:/guest/initrd.img" -- \
        vmaccel run "$@" --accel kvm --cpus "$cpus" --kernel /guest/vmlinuz \
        --initrd /guest/initrd.img --append "console=$console panic=-1" \
        >"$work/boot" </dev/null || status=$?
    tr -d '\r' <"$work/boot" >"$work/console"
    echo "# rig: $title: guest of $cpus CPUs:" \
        "$(grep -o -m 1 'Linux version .*' "$work/console" || echo 'no banner')"
    if [ "$status" = 0 ] &&
        grep -q "^vmaccel-guest: userspace reached, $cpus cpus" "$work/console"; then
        echo "ok $cases - $name"
    else
        failed=1
        echo "not ok $cases - $name"
        echo "# status $status; the end of its console:"
        tail -n 15 "$work/console" | sed 's/^/# /'
    fi
}

finish() {
    echo "1..$cases"
    exit "$failed"
}

# What the tests that boot whole guests share; see tests/cli/lib.sh.  Sourced after "vmaccel" is set.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/lib.sh"
guest=${VMACCEL_GUEST_DIR:-$root/build/guest}

skip_all() { # REASON
    echo "1..0 # skip $1"
    exit 0
}

need_kernel() {
    "$root/scripts/setup" run >&2 && "$root/scripts/guest-kernel" x86 >&2 ||
        skip_all "this needs Debian's cloud kernel, busybox and cpio"
}

boot() { # INITRD CPUS: the guest's console, without its carriage returns, is in out
    run 0 run --quiet --accel soft --timeout 120 --cpus "$2" --kernel "$guest/vmlinuz" --initrd "$1" \
        --append 'console=ttyS0 quiet panic=-1'
    status=$?
    tr -d '\r' <"$work/out" >"$work/console"
    tail -n 15 "$work/console" >"$work/out"
    return "$status"
}

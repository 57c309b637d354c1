# shellcheck shell=bash disable=SC2034,SC2154
# Flat guests on the AArch64 machine; sourced by suite-arm64.

# machine_cases NAME GIC: machine-arm64/cases in a rig with that GIC.
machine_cases() {
    local name=$1 gic=$2 status=0 here=$root/tests/rig/machine-arm64 guests=$work/machine file base
    local tools=aarch64-linux-gnu-
    [ "$(uname -m)" != aarch64 ] || tools=''
    mkdir -p "$guests"
    for file in "$here"/*.S; do
        base=$guests/$(basename "$file" .S)
        "${tools}as" -I "$here" -o "$base.o" "$file"
        "${tools}objcopy" -O binary "$base.o" "$base.bin"
    done
    cp "$here/cases" "$guests/"
    "$rig" --gic "$gic" --timeout 300 --file "$vmaccel:/bin/vmaccel" --file "$guests:/machine" -- \
        /machine/cases "$gic" >"$work/cases" || status=$?
    awk -v before="$cases" -v rig="$name: " '
        sub(/^ok - /, "")     { print "ok " ++before " - " rig $0; next }
        sub(/^not ok - /, "") { print "not ok " ++before " - " rig $0; next }
        { print }' "$work/cases"
    cases=$((cases + $(grep -c -e '^ok - ' -e '^not ok - ' "$work/cases" || true)))
    [ "$status" = 0 ] || failed=1
    if [ "$status" != 0 ] && ! grep -q '^not ok' "$work/cases"; then
        cases=$((cases + 1))
        echo "not ok $cases - $name: machine-arm64/cases ended with status $status"
    fi
}

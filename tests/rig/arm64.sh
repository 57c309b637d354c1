# The AArch64 rig: EL2. Sourced by run.
# shellcheck shell=bash disable=SC2034 # run uses the variables
emulator=qemu-system-aarch64
cc=aarch64-linux-gnu-gcc
[ "$(uname -m)" != aarch64 ] || cc=cc
smp=1
guest=$guest/arm64
machine_usage=' [--gic N]'
machine_help='
  --gic N       3 (the default): GICv3 and a CPU with VHE, SVE, LSE and pointer authentication;
                2: GICv2 and a Cortex-A72, which has none of these'
append='console=ttyAMA0 panic=-1 mitigations=off'
gic=3

machine_option() {
    [ "$1" = --gic ] || return 1
    [[ $2 = [23] ]] || fail "--gic needs 2 or 3"
    gic=$2
}

set_machine() {
    local cpu=cortex-a72
    # Pointer authentication by the architected algorithm would be most of the emulation's work.
    [ "$gic" = 2 ] || cpu=max,pauth-impdef=on,sme=off,lpa2=off,sve-max-vq=2
    machine=(-M "virt,virtualization=on,gic-version=$gic" -cpu "$cpu")
    machine_name=arm64-gic$gic
}

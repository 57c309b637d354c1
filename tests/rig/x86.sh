# The x86 rig: nested SVM. Sourced by run.
# shellcheck shell=bash disable=SC2034 # run uses the variables
emulator=qemu-system-x86_64
cc=cc
smp=2
machine_usage=
machine_help=
machine_name=x86
append='console=ttyS0 panic=-1 mitigations=off'

machine_option() {
    return 1
}

set_machine() {
    # What QEMU's TCG can do beyond EPYC, and what it cannot do of EPYC.
    local cpu=EPYC,+svm,+npt,+erms,+clwb,+umip,+pku
    cpu+=,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,-3dnowprefetch,-osvw,-topoext,-nrip-save,-xsavec
    machine=(-cpu "$cpu")
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds a VM with one vCPU open in the rig, for as long as the rig runs.
 *
 * Linux patches its scheduler and KVM when the first VM and the first vCPU without a local APIC
 * come, and again when the last goes (static keys). QEMU's TCG can keep running a translation of
 * the code from amid such a patch on another CPU, which then takes the same INT3 for ever. With a
 * VM held, nothing is patched. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR);
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (ioctl(vm, KVM_CREATE_VCPU, 0) < 0) {
        perror("hold-kvm");
        return 1;
    }
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}

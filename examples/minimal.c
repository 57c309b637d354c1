/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs eight bytes of guest code and prints its exits. */
#include <stdio.h>
#include <stdlib.h>
#include <vmaccel/vmaccel.h>

#define GUEST_ADDRESS 0x1000u

static const unsigned char guest[] = {
    0xba, 0xf8, 0x03, /* mov $0x3f8, %dx */
    0x00, 0xd8,       /* add %bl, %al    */
    0xee,             /* out %al, (%dx)  */
    0xf4,             /* hlt             */
    0x90,             /* nop             */
};
static _Alignas(4096) unsigned char memory[4096];

static void check(vmaccel_status status)
{
    if (status != VMACCEL_OK) {
        fprintf(stderr, "minimal: %s\n", vmaccel_last_error()->text);
        exit(1);
    }
}

int main(void)
{
    const vmaccel_platform *platform;
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    char why[256];

    check(vmaccel_platform_choose(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU, &platform, why,
                                  sizeof why));
    printf("%s\n", why);
    for (size_t i = 0; i < sizeof guest; i++)
        memory[i] = guest[i];
    check(vmaccel_vm_create(platform, NULL, &vm));
    check(vmaccel_memory_map(vm, GUEST_ADDRESS, sizeof memory, memory, VMACCEL_MEM_RWX));
    check(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));

    vmaccel_x86_reset_state(&regs, &sregs); /* real mode */
    sregs.cs.selector = 0, sregs.cs.base = 0;
    regs.rip = GUEST_ADDRESS, regs.rax = 40, regs.rbx = 2;
    check(vmaccel_x86_set_regs(vcpu, &regs));
    check(vmaccel_x86_set_sregs(vcpu, &sregs));

    const vmaccel_exit *exit = vmaccel_vcpu_exit(vcpu);
    do {
        check(vmaccel_vcpu_run(vcpu));
        printf("exit: %s", vmaccel_exit_name(exit->reason));
        if (exit->reason == VMACCEL_EXIT_IO)
            printf(", wrote %u to port 0x%x", exit->u.io.data[0], exit->u.io.port);
        printf("\n");
    } while (exit->reason == VMACCEL_EXIT_IO);
    return vmaccel_vcpu_destroy(vcpu) != VMACCEL_OK || vmaccel_vm_destroy(vm) != VMACCEL_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences that are the reference's fault, or free by the manuals: each with its condition. */
#include "system.h"

#include <string.h>

static void adopt(const struct outcome *soft, struct outcome *kvm)
{
    uint8_t *ram = kvm->ram;
    *kvm = *soft;
    kvm->ram = ram;
    memcpy(ram, soft->ram, RAM_SIZE);
}

static bool kvm_gave_up(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    (void)c;
    if (kvm->reason != VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION &&
        kvm->reason != VMACCEL_EXIT_INTERNAL_ERROR && kvm->reason != VMACCEL_EXIT_FAILED_ENTRY)
        return false;
    adopt(soft, kvm);
    return true;
}

/* Bit 5 of a PAE PDPTE is reserved. */
static bool pdpte_accessed(const struct system_case *c, const struct outcome *soft,
                           struct outcome *kvm)
{
    bool found = false;
    (void)c;
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = (i < 4 ? ROOT : OTHER_ROOT) + i % 4 * 8;
        if ((kvm->ram[at] ^ soft->ram[at]) == 0x20) {
            kvm->ram[at] ^= 0x20;
            found = true;
        }
    }
    return found;
}

/* Where the last event pushed its flags: a handler is entered with them above CS. */
static bool resume_flag(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    bool found = false;
    (void)c;
    for (uint32_t i = 0; i < RAM_SIZE; i += 2)
        if ((kvm->ram[i] ^ soft->ram[i]) == 1 && (soft->ram[i] & 1) && i >= STACK + 2 &&
            memcmp(kvm->ram + i - 2, soft->ram + i - 2, 2) == 0) {
            kvm->ram[i] |= 1;
            found = true;
        }
    return found;
}

const struct exclusion exclusions[] = {
    {"kvm-gave-up", "KVM's emulator does not know the instruction, or can't reach its memory",
     kvm_gave_up},
    {"resume-flag", "TCG pushes RF as 0 for faults", resume_flag},
    {"pdpte-accessed", "TCG sets the accessed bit in PAE's top entries, where it is reserved",
     pdpte_accessed},
};
const unsigned exclusion_count = sizeof exclusions / sizeof exclusions[0];

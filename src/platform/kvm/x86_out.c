/* SPDX-License-Identifier: BSD-2-Clause */
/* RIP after a port write, without a system call.
 *
 * Fast port I/O leaves RIP at the OUT until the next KVM_RUN; KVM's instruction emulator leaves it
 * after. Which of them serves a mode does not change for a VM, so it is learned once by completing
 * an exit. After that the length of the OUT is read from guest memory; where that is not certain
 * the exit is completed. */
#include "arch/x86/walk.h"
#include "kvm.h"

#define OUT_BYTES 16

static unsigned out_mode(const vmaccel_x86_sregs *sregs)
{
    return (sregs->cr0 & 1u) << 1 | ((sregs->cs.selector & 3u) == 3u);
}

/* Length of the OUT at code[0], or 0. `n` bytes are there. */
static unsigned out_length(const uint8_t *code, unsigned n, const struct kvm_run *run,
                           const struct kvm_regs *regs)
{
    for (unsigned i = 0; i < n; i++) {
        switch (code[i]) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x66:
        case 0x67:
        case 0xf2:
        case 0xf3:
            continue;
        case 0xe6:
        case 0xe7:
            return i + 1 < n && code[i + 1] == run->io.port &&
                           (code[i] == 0xe6) == (run->io.size == 1)
                       ? i + 2
                       : 0;
        case 0xee:
        case 0xef:
            return (uint16_t)regs->rdx == run->io.port && (code[i] == 0xee) == (run->io.size == 1)
                       ? i + 1
                       : 0;
        default:
            if ((code[i] & 0xf0) == 0x40 && i + 1 < n) /* REX, in 64-bit mode */
                continue;
            return 0;
        }
    }
    return 0;
}

static bool read_guest(void *context, uint64_t gpa, void *buffer, size_t size)
{
    const struct core_region *region = core_region_at(context, gpa);
    if (region == NULL || gpa - region->gpa > region->size - size)
        return false;
    memcpy(buffer, region->host + (gpa - region->gpa), size);
    return true;
}

/* The bytes from one before `linear`, within its page. Returns how many follow the first. */
static unsigned fetch_code(vmaccel_vcpu *vcpu, const vmaccel_x86_sregs *sregs, uint64_t linear,
                           uint8_t *code)
{
    unsigned offset = linear & 0xfff;
    unsigned n = 0x1000 - offset < OUT_BYTES - 1 ? 0x1000 - offset : OUT_BYTES - 1;
    uint64_t gpa;
    if (offset == 0 || !x86_walk(sregs, linear, read_guest, vcpu->vm, &gpa))
        return 0;
    return read_guest(vcpu->vm, gpa - 1, code, n + 1) ? n : 0;
}

static vmaccel_status complete(vmaccel_vcpu *vcpu, uint64_t *rip)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_regs raw;
    uint32_t valid = vcpu->valid;
    bool more;
    vmaccel_status status = kvm_vcpu_complete(vcpu, &more);
    if (status != VMACCEL_OK)
        return status;
    vcpu->valid |= valid & CORE_GROUP_SREGS;
    if ((k->arch.synced & CORE_GROUP_REGS) != 0) {
        *rip = k->run->s.regs.regs.rip;
        return VMACCEL_OK;
    }
    if (ioctl(k->fd, KVM_GET_REGS, &raw) < 0)
        return kvm_fail("x86", "KVM_GET_REGS");
    *rip = raw.rip;
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_out_rip(vmaccel_vcpu *vcpu, uint64_t *rip, const vmaccel_x86_sregs *sregs)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    uint8_t *learned = &k->arch.out_rip[out_mode(sregs)];
    uint8_t code[OUT_BYTES];

    if (*learned == KVM_OUT_AFTER) {
        k->pending = k->stepping; /* the emulator is done with it, but for the step */
        return VMACCEL_OK;
    }
    if (*learned == KVM_OUT_AT && (k->arch.synced & CORE_GROUP_REGS) != 0 && !k->stepping) {
        unsigned n = fetch_code(vcpu, sregs, sregs->cs.base + *rip, code);
        unsigned length = n != 0 ? out_length(code + 1, n, k->run, &k->run->s.regs.regs) : 0;
        /* After an OUTS, which the emulator runs, the bytes at RIP belong to the next instruction.
         */
        if (length != 0 && code[0] != 0x6e && code[0] != 0x6f) {
            *rip += length;
            return VMACCEL_OK;
        }
        return complete(vcpu, rip);
    }
    uint64_t before = *rip;
    bool known = fetch_code(vcpu, sregs, sregs->cs.base + *rip, code) != 0;
    vmaccel_status status = complete(vcpu, rip);
    /* An OUTS does not move RIP in either case and teaches nothing. */
    if (status == VMACCEL_OK && *rip != before)
        *learned = KVM_OUT_AT;
    else if (status == VMACCEL_OK && known && code[0] != 0x6e && code[0] != 0x6f)
        *learned = KVM_OUT_AFTER;
    return status;
}

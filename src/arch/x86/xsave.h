/* SPDX-License-Identifier: BSD-2-Clause */
/* The XSAVE area in standard form (Intel SDM vol. 1, "XSAVE-managed state"). */
#ifndef VMACCEL_ARCH_X86_XSAVE_H
#define VMACCEL_ARCH_X86_XSAVE_H

#include <vmaccel/x86.h>

#define X86_XSAVE_COMPONENTS 20
#define X86_XSAVE_LEGACY     512 /* bytes of x87 and SSE state */
#define X86_XSAVE_MINIMUM    576 /* with the header */

#define X86_MXCSR_INITIAL      0x1f80u
#define X86_MXCSR_MASK_DEFAULT 0xffbfu /* where FXSAVE stores a mask of 0 */

enum x86_xsave_component {
    X86_XSAVE_X87 = 0,
    X86_XSAVE_SSE = 1,
    X86_XSAVE_AVX = 2,
    X86_XSAVE_OPMASK = 5,
    X86_XSAVE_ZMM_HI256 = 6,
    X86_XSAVE_HI16_ZMM = 7,
    X86_XSAVE_PKRU = 9
};

struct x86_xsave_layout {
    uint64_t components; /* bit n: component n is there */
    uint32_t size;       /* bytes of the area */
    uint32_t mxcsr_mask;
    struct {
        uint32_t offset, size;
    } at[X86_XSAVE_COMPONENTS];
};

/* Offsets and sizes from leaf 0xD of `host`, presence from leaf 0xD of `guest`. Components that do
 * not fit in an area of `size` bytes, or overlap the header, are left out. */
void x86_xsave_layout_init(struct x86_xsave_layout *layout, size_t size,
                           const vmaccel_x86_cpuid *host, size_t host_count,
                           const vmaccel_x86_cpuid *guest, size_t guest_count);

const char *x86_xsave_name(unsigned component);

/* Why an area can't be loaded, or NULL: `component` then tells which one the guest lacks, where it
 * is that. */
const char *x86_xsave_fault(const struct x86_xsave_layout *layout, const void *area,
                            unsigned *component);

/* Bring an area to canonical form: components in their initial state have initial bytes and a clear
 * XSTATE_BV bit, all else is zero. The same state is always the same bytes. */
void x86_xsave_canonical(const struct x86_xsave_layout *layout, void *area);

/* Registers out of a canonical area, and into one; `set` returns the component that the guest
 * lacks, is not initial in *fpu and thus can't be stored, or -1. */
void x86_xsave_get_fpu(const struct x86_xsave_layout *layout, const void *area,
                       vmaccel_x86_fpu *fpu);
int x86_xsave_set_fpu(const struct x86_xsave_layout *layout, void *area,
                      const vmaccel_x86_fpu *fpu);

#endif

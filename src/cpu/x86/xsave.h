/* SPDX-License-Identifier: BSD-2-Clause */
/* The state that XSAVE and FXSAVE move, between registers and a staging image. */
#ifndef VMACCEL_CPU_X86_XSAVE_H
#define VMACCEL_CPU_X86_XSAVE_H

#include "cpu/x86/sys.h"

#define XSAVE_BIT_X87  UINT64_C(1)
#define XSAVE_BIT_SSE  UINT64_C(2)
#define XSAVE_BIT_AVX  UINT64_C(4)
#define XSAVE_BIT_PKRU (UINT64_C(1) << XSAVE_PKRU)
#define XSAVE_COMPACT  (UINT64_C(1) << 63)
#define XSAVE_HEADER   512u

struct xsave_image {
    uint8_t legacy[512];
    uint8_t avx[XSAVE_AVX_SIZE];
    uint64_t pkru;
};

/* Registers to the image; `vectors` of them, 8 outside 64-bit code. `wide`: 64-bit x87 pointers. */
void xsave_put(const struct cpu *c, struct xsave_image *image, uint64_t components,
               unsigned vectors, uint32_t mxcsr, bool wide);
/* The image's `present` components to registers; the others of `components` to their initial
 * values. Not MXCSR. */
void xsave_get(struct cpu *c, const struct xsave_image *image, uint64_t components,
               uint64_t present, unsigned vectors, bool wide);
uint32_t xsave_mxcsr(const struct xsave_image *image);
/* Of a component in the compact format. */
uint32_t xsave_offset(uint64_t components, unsigned component);

#endif

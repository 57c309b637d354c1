/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector registers as operands of the host's instructions; only where HOST_SIMD is 1. */
#ifndef VMACCEL_CPU_X86_VEC_HOST_H
#define VMACCEL_CPU_X86_VEC_HOST_H

#include "cpu/x86/vec.h"
#include "os/host_simd.h"

/* Whole lanes only: a wide load after narrow stores would wait for them. */
static inline host_v128 lane_get(const cpu_vec *v, unsigned l)
{
    return *(const host_v128 *)&v->lane[l];
}

static inline void lane_set(cpu_vec *v, unsigned l, host_v128 value)
{
    *(host_v128 *)&v->lane[l] = value;
}

#endif

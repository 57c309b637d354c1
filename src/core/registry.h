/* SPDX-License-Identifier: BSD-2-Clause */
/* The platforms of this build. A test that links without registry.c defines its own table. */
#ifndef VMACCEL_CORE_REGISTRY_H
#define VMACCEL_CORE_REGISTRY_H

#include "core/platform.h"

extern const struct vmaccel_platform *const core_platforms[];
extern const size_t core_platform_count;

#endif

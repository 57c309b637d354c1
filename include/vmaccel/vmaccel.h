/* SPDX-License-Identifier: BSD-2-Clause */
/* vm-accel: one C API for running virtual CPUs on whatever the host offers.
 *
 * This header includes the whole core API. The optional layers (machine.h) are included on their
 * own.
 *
 * Rules that hold everywhere:
 *  - A function that can fail returns a vmaccel_status; the detail of the calling thread's last
 * failure is in vmaccel_last_error().
 *  - A config struct starts with `size`, set to its sizeof by the caller. Zero means default. A
 * non-zero field that this version does not know fails with VMACCEL_E_INVALID_ARGUMENT.
 *  - Sizes and addresses are bytes. Guest addresses are integers of type vmaccel_gpa and
 * vmaccel_gva.
 *  - "Thread:" in a comment is the thread rule. Owner: the thread that created the vCPU. Any: any
 * thread, at any time while the object lives. Setup: any thread, but not at the same time as
 * another call on the same VM.
 */
#ifndef VMACCEL_VMACCEL_H
#define VMACCEL_VMACCEL_H

#define VMACCEL_VERSION_MAJOR 0
#define VMACCEL_VERSION_MINOR 1
#define VMACCEL_VERSION_PATCH 0

#include <vmaccel/arm64.h>
#include <vmaccel/caps.h>
#include <vmaccel/exit.h>
#include <vmaccel/irq.h>
#include <vmaccel/memory.h>
#include <vmaccel/platform.h>
#include <vmaccel/status.h>
#include <vmaccel/types.h>
#include <vmaccel/vcpu.h>
#include <vmaccel/vm.h>
#include <vmaccel/x86.h>

#endif

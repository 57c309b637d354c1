/* SPDX-License-Identifier: BSD-2-Clause */
/* One instruction for a hypervisor, on random state and bytes: see cpu_input.h. */
#include <stdlib.h>

#include "cpu/emulate.h"
#include "cpu_input.h"

#define INSTRUCTIONS 8
#define ACCESSES     600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;

static bool fuzz_get_xsave(void *context, void *area)
{
    memcpy(area, m.xsave, sizeof m.xsave);
    return !(*(uint8_t *)context & 1);
}

static bool fuzz_set_xsave(void *context, const void *area)
{
    (void)context;
    memcpy(m.xsave, area, sizeof m.xsave);
    return true;
}

/* One access after another, each at most 8 bytes in a page; false: it ended in something else. */
static bool run_one(struct emulator *e, struct emulator_state *s, const uint8_t *bytes,
                    size_t count)
{
    struct cpu_exit exit = {0};
    unsigned n = 0;
    emulator_begin(e, s, bytes, count);
    for (; n < ACCESSES; n++) {
        emulator_run(e, &exit);
        if (exit.reason != CPU_EXIT_IO && exit.reason != CPU_EXIT_MMIO)
            break;
        const unsigned size = exit.u.access.size;
        if (size == 0 || size > 8 ||
            (exit.reason == CPU_EXIT_MMIO && (exit.u.access.address & 0xfff) + size > 0x1000))
            abort();
        exit.u.access.value = n;
    }
    if (n == ACCESSES)
        abort();
    if (exit.reason != CPU_EXIT_STEPPED) {
        emulator_abandon(e);
        return false;
    }
    return emulator_end(e, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size, 0};
    uint8_t kind = (uint8_t)take(&in, 1);
    static struct emulator *e;
    static uint8_t context;
    static struct emulator_state s;
    const struct emulator_config config = {.context = &context,
                                           .page = input_page,
                                           .get_xsave = fuzz_get_xsave,
                                           .set_xsave = fuzz_set_xsave};
    context = kind;
    if (!machine_read(&m, &in))
        return 0;
    if (!e)
        e = emulator_create(&config);
    if (!e)
        abort();
    s = (struct emulator_state){.regs = m.regs, .sregs = m.sregs, .xcr0 = 7};
    for (unsigned i = 0; i < INSTRUCTIONS; i++) {
        size_t given = i == 0 ? kind >> 4 : 0;
        uint8_t bytes[16];
        memcpy(bytes, ram + CODE, sizeof bytes);
        if (!run_one(e, &s, bytes, given))
            break;
        check_registers(&s.regs, &s.sregs);
    }
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Boots a kernel with the machine layer: boot KERNEL [INITRD [COMMAND-LINE]]. The serial port is
 * stdout. */
#include <stdio.h>
#include <vmaccel/machine.h>

static void print(void *context, const uint8_t *data, size_t size)
{
    fwrite(data, 1, size, context);
    fflush(context);
}

int main(int argc, char **argv)
{
    vmaccel_machine_config config = {
        .size = sizeof config,
        .cpus = 2,
        .memory = 512u << 20,
        .kernel = argc > 1 ? argv[1] : NULL,
        .initrd = argc > 2 ? argv[2] : NULL,
        .append = argc > 3 ? argv[3] : "console=ttyS0",
        .console_write = print,
        .console_context = stdout,
    };
    vmaccel_machine *machine;
    vmaccel_machine_result result;

    if (vmaccel_machine_create(&config, &machine) != VMACCEL_OK) {
        fprintf(stderr, "boot: %s\n", vmaccel_last_error()->text);
        return 1;
    }
    vmaccel_status status = vmaccel_machine_run(machine, &result);
    if (status == VMACCEL_OK)
        fprintf(stderr, "boot: %s, after %llu exits\n", result.text,
                (unsigned long long)result.stats.exits);
    else
        fprintf(stderr, "boot: %s\n", vmaccel_last_error()->text);
    vmaccel_machine_destroy(machine);
    return status != VMACCEL_OK || result.outcome != VMACCEL_MACHINE_POWEROFF;
}

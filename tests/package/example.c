/* SPDX-License-Identifier: BSD-2-Clause */
/* A program outside the tree: prints the version and the platforms. */
#include <stdio.h>
#include <vmaccel/vmaccel.h>

int main(void)
{
    size_t i, count = vmaccel_platform_count();

    printf("vmaccel %s\n", vmaccel_version_string());
    for (i = 0; i < count; i++)
        printf("%s\n", vmaccel_platform_name(vmaccel_platform_at(i)));
    return count == 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations of every case, from the table. */
#ifndef SUITE_CASES_H
#define SUITE_CASES_H

#define NEEDS(...)                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define CASE(name, guest, what, needed) void case_##name(void);
#include "cases.def"
#undef CASE

#endif

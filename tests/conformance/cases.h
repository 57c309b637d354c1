/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations of every case, from the table. */
#ifndef SUITE_CASES_H
#define SUITE_CASES_H

#define NEEDS(...)                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* A case of an architecture for which this build has no guest programs is left out. */
#define SUITE_IF_NONE(...) __VA_ARGS__
#ifdef SUITE_X86_64
#define SUITE_IF_X86_64(...) __VA_ARGS__
#else
#define SUITE_IF_X86_64(...)
#endif
#ifdef SUITE_ARM64
#define SUITE_IF_ARM64(...) __VA_ARGS__
#else
#define SUITE_IF_ARM64(...)
#endif
#define CASE(name, guest, what, needed) SUITE_IF_##guest(void case_##name(void);)
#include "cases.def"
#undef CASE

#endif

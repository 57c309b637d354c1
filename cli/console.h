/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's serial port on stdin and stdout, and what ends a run from outside: signals, keys, the
 * time limit. */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <vmaccel/machine.h>

/* Open on /dev/null what a caller left closed of stdin, stdout and stderr, so that no other file
 * gets their numbers. */
void console_claim_files(void);

/* Call it before the machine is created, so that its threads take none of the signals that stop it;
 * console_end() lets them through again. */
void console_hold_signals(void);

/* The machine's console_write callback. */
void console_write(void *context, const uint8_t *data, size_t size);

/* Connect the machine that is about to run. timeout_ns 0: no limit. `hint`: tell a terminal's user
 * about Ctrl-A. false: the message has been printed. */
bool console_start(vmaccel_machine *machine, uint64_t timeout_ns, bool hint);

/* After the run: give the terminal back. The enum cli_status that the machine was stopped for, or
 * -1. */
int console_end(void);

#endif

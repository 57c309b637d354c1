/* SPDX-License-Identifier: BSD-2-Clause */
/* A bytecode machine: every operation of its program is a dispatch that is hard to predict. */
#include "work.h"

enum code {
    SET,         /* a = imm */
    MOVE,        /* a = b */
    ADD,         /* a = b + c */
    ADD_IMM,     /* a = b + imm */
    MULTIPLY,    /* a = b * c */
    REMAINDER,   /* a = b % c */
    XOR,         /* a = b ^ c */
    RIGHT,       /* a = b >> imm */
    AND_IMM,     /* a = b & imm */
    LESS,        /* a = b < c */
    LESS_IMM,    /* a = b < imm */
    JUMP,        /* to imm */
    JUMP_ZERO,   /* to imm if a is 0 */
    JUMP_UNLESS, /* to imm unless a is 0 */
    CALL,        /* imm */
    RETURN,
    PUSH,  /* a */
    POP,   /* a */
    LOAD,  /* a = memory[b + imm] */
    STORE, /* memory[b + imm] = a */
    HALT,
};

struct operation {
    uint8_t code, a, b, c;
    int32_t imm;
};

enum { REGISTERS = 8, STACK = 64, MEMORY = 64, COUNT = 48 };

/* In: r0, a seed. Out: r0. */
static const struct operation program[] = {
    /* The primes below 300, by trial division, into r0. */
    [0] = {SET, 1, 0, 0, 2},
    [1] = {SET, 2, 0, 0, 2},
    [2] = {MULTIPLY, 3, 2, 2, 0},
    [3] = {LESS, 4, 1, 3, 0},
    [4] = {JUMP_UNLESS, 4, 0, 0, 9},
    [5] = {REMAINDER, 3, 1, 2, 0},
    [6] = {JUMP_ZERO, 3, 0, 0, 11},
    [7] = {ADD_IMM, 2, 2, 0, 1},
    [8] = {JUMP, 0, 0, 0, 2},
    [9] = {MULTIPLY, 0, 0, 1, 0},
    [10] = {ADD_IMM, 0, 0, 0, 1},
    [11] = {ADD_IMM, 1, 1, 0, 1},
    [12] = {LESS_IMM, 4, 1, 0, 300},
    [13] = {JUMP_UNLESS, 4, 0, 0, 1},
    /* The 12th Fibonacci number, by recursion. */
    [14] = {SET, 1, 0, 0, 12},
    [15] = {CALL, 0, 0, 0, 49},
    [16] = {ADD, 0, 0, 2, 0},
    /* COUNT values from r0, sorted by exchanges of neighbours. */
    [17] = {SET, 1, 0, 0, 0},
    [18] = {SET, 5, 0, 0, 1103515245},
    [19] = {MULTIPLY, 0, 0, 5, 0},
    [20] = {ADD_IMM, 0, 0, 0, 12345},
    [21] = {RIGHT, 2, 0, 0, 16},
    [22] = {AND_IMM, 2, 2, 0, 0xffff},
    [23] = {STORE, 2, 1, 0, 0},
    [24] = {ADD_IMM, 1, 1, 0, 1},
    [25] = {LESS_IMM, 4, 1, 0, COUNT},
    [26] = {JUMP_UNLESS, 4, 0, 0, 19},
    [27] = {SET, 1, 0, 0, COUNT - 1},
    [28] = {SET, 2, 0, 0, 0},
    [29] = {LOAD, 5, 2, 0, 0},
    [30] = {LOAD, 6, 2, 0, 1},
    [31] = {LESS, 4, 6, 5, 0},
    [32] = {JUMP_ZERO, 4, 0, 0, 35},
    [33] = {STORE, 6, 2, 0, 0},
    [34] = {STORE, 5, 2, 0, 1},
    [35] = {ADD_IMM, 2, 2, 0, 1},
    [36] = {LESS, 4, 2, 1, 0},
    [37] = {JUMP_UNLESS, 4, 0, 0, 29},
    [38] = {ADD_IMM, 1, 1, 0, -1},
    [39] = {JUMP_UNLESS, 1, 0, 0, 28},
    /* What the sorted values give. */
    [40] = {SET, 1, 0, 0, 0},
    [41] = {LOAD, 2, 1, 0, 0},
    [42] = {MULTIPLY, 0, 0, 2, 0},
    [43] = {XOR, 0, 0, 2, 0},
    [44] = {ADD_IMM, 0, 0, 0, 1},
    [45] = {ADD_IMM, 1, 1, 0, 1},
    [46] = {LESS_IMM, 4, 1, 0, COUNT},
    [47] = {JUMP_UNLESS, 4, 0, 0, 41},
    [48] = {HALT, 0, 0, 0, 0},
    /* Fibonacci: r1 to r2. */
    [49] = {LESS_IMM, 4, 1, 0, 2},
    [50] = {JUMP_ZERO, 4, 0, 0, 53},
    [51] = {MOVE, 2, 1, 0, 0},
    [52] = {RETURN, 0, 0, 0, 0},
    [53] = {PUSH, 1, 0, 0, 0},
    [54] = {ADD_IMM, 1, 1, 0, -1},
    [55] = {CALL, 0, 0, 0, 49},
    [56] = {POP, 1, 0, 0, 0},
    [57] = {PUSH, 2, 0, 0, 0},
    [58] = {ADD_IMM, 1, 1, 0, -2},
    [59] = {CALL, 0, 0, 0, 49},
    [60] = {POP, 3, 0, 0, 0},
    [61] = {ADD, 2, 2, 3, 0},
    [62] = {RETURN, 0, 0, 0, 0},
};

static uint64_t interpret(uint64_t seed)
{
    uint64_t r[REGISTERS] = {seed}, stack[STACK], memory[MEMORY] = {0};
    unsigned at = 0, top = 0;

    for (;;) {
        const struct operation *op = &program[at++];
        int64_t imm = op->imm;

        switch ((enum code)op->code) {
        case SET:
            r[op->a] = (uint64_t)imm;
            break;
        case MOVE:
            r[op->a] = r[op->b];
            break;
        case ADD:
            r[op->a] = r[op->b] + r[op->c];
            break;
        case ADD_IMM:
            r[op->a] = r[op->b] + (uint64_t)imm;
            break;
        case MULTIPLY:
            r[op->a] = r[op->b] * r[op->c];
            break;
        case REMAINDER:
            r[op->a] = (uint32_t)r[op->b] % (uint32_t)r[op->c];
            break;
        case XOR:
            r[op->a] = r[op->b] ^ r[op->c];
            break;
        case RIGHT:
            r[op->a] = r[op->b] >> imm;
            break;
        case AND_IMM:
            r[op->a] = r[op->b] & (uint64_t)imm;
            break;
        case LESS:
            r[op->a] = r[op->b] < r[op->c];
            break;
        case LESS_IMM:
            r[op->a] = r[op->b] < (uint64_t)imm;
            break;
        case JUMP:
            at = (unsigned)imm;
            break;
        case JUMP_ZERO:
            if (r[op->a] == 0)
                at = (unsigned)imm;
            break;
        case JUMP_UNLESS:
            if (r[op->a] != 0)
                at = (unsigned)imm;
            break;
        case CALL:
            stack[top++] = at;
            at = (unsigned)imm;
            break;
        case RETURN:
            at = (unsigned)stack[--top];
            break;
        case PUSH:
            stack[top++] = r[op->a];
            break;
        case POP:
            r[op->a] = stack[--top];
            break;
        case LOAD:
            r[op->a] = memory[r[op->b] + (uint64_t)imm];
            break;
        case STORE:
            memory[r[op->b] + (uint64_t)imm] = r[op->a];
            break;
        case HALT:
            return r[0];
        }
    }
}

uint64_t work_interpreter(uint64_t n)
{
    uint64_t sum = 1;

    for (uint64_t i = 0; i < n; i++)
        sum = work_mix(sum, interpret(sum + i));
    return sum;
}

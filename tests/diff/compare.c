/* SPDX-License-Identifier: BSD-2-Clause */
/* Which differences count, and how a case is written and read. */
#include "diff.h"

#include <inttypes.h>
#include <string.h>

static const char *const reg_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

unsigned program_index(const struct program *p, const struct outcome *o)
{
    uint64_t rip = o->state.rip;
    if (o->vector == VECTOR_NONE || rip - p->address >= p->size)
        return p->count;
    for (unsigned i = 0; i < p->count; i++)
        if (rip - p->address <= p->at[i].off)
            return i;
    return p->count;
}

/* Linux reports addresses that no program can have as present, whatever the tables say. */
static uint32_t error_mask(const struct outcome *o)
{
    return o->vector == 14 && o->address >= UINT64_C(0x7ffffffff000) ? 0xfffffffe : 0xffffffff;
}

/* AMD's CPUs take an offset that is not canonical as #GP though the segment's base makes the linear
 * address canonical. */
static bool canonical_by_base(const struct program *p, const struct outcome *host,
                              const struct outcome *soft)
{
    return (p->fs_base || p->gs_base) && host->vector == 13 && soft->vector == 14 &&
           soft->address + 0x2000 - UINT64_C(0x800000000000) <= 0x4000;
}

/* RF in a fault's image is the exception's, not the program's. */
static uint64_t flags_mask(const struct program *p, const struct outcome *o)
{
    unsigned i = program_index(p, o);
    uint64_t undefined = p->undefined[i];
    /* After a wild jump into the code, whatever its bytes mean there has run. */
    if (o->vector != VECTOR_NONE && o->state.rip - CODE < CODE_SIZE &&
        (i == p->count || o->state.rip != p->address + p->at[i].off))
        undefined = ARITH;
    return ~(undefined | FLAG_RF);
}

/* Several accesses, in an order that is the CPU's own: which one faults, and what of those before
 * it has reached memory. */
static bool has_several_accesses(const struct insn *insn)
{
    switch (insn->i.mnemonic) {
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ:
        return insn->group == GROUP_STRING;
    case ZYDIS_MNEMONIC_ENTER:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_PUSHA:
    case ZYDIS_MNEMONIC_PUSHAD:
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
        return true;
    default:
        return false;
    }
}

static unsigned widest_access(const struct insn *insn)
{
    unsigned bits = 0;
    for (unsigned o = 0; o < insn->i.operand_count; o++)
        if (insn->ops[o].type == ZYDIS_OPERAND_TYPE_MEMORY && insn->ops[o].size > bits)
            bits = insn->ops[o].size;
    return bits;
}

static bool uses_mmx(const struct insn *insn)
{
    for (unsigned o = 0; o < insn->i.operand_count; o++)
        if (insn->ops[o].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(insn->ops[o].reg.value) == ZYDIS_REGCLASS_MMX)
            return true;
    return false;
}

/* Faults whose choice is the CPU's own. */
static bool either_fault(const struct program *p, const struct outcome *host,
                         const struct outcome *soft)
{
    unsigned i = program_index(p, host);
    /* Past the last byte of a flat segment: a fault, or on to address 0. */
    if (p->narrow && (host->vector == 13 || host->vector == 12) && soft->vector == 14 &&
        soft->address >= 0xffffff00)
        return true;
    if (host->vector == VECTOR_TIMEOUT && soft->vector == VECTOR_TIMEOUT)
        return true;
    /* INT1, met by a wild jump, wants a gate. */
    if (host->vector == 1 && soft->vector == 13 && soft->error == 0xb)
        return true;
    /* At the end of the lower half: which part is checked first. */
    if (host->vector == 14 && soft->vector == 13 && host->state.rip == soft->state.rip &&
        host->address + 64 - UINT64_C(0x800000000000) < 64)
        return true;
    if (i == p->count)
        return false;
    /* Whether all of a large operand is checked first. */
    if (widest_access(&p->at[i]) > 256 && host->state.rip == soft->state.rip &&
        soft->vector != VECTOR_NONE)
        return true;
    /* Which bytes of an area that an instruction does not use are touched all the same. */
    if (host->vector == 14 && (p->at[i].group == GROUP_FXSAVE || p->at[i].group == GROUP_XSAVE))
        return true;
    if (has_several_accesses(&p->at[i]) && host->state.rip == soft->state.rip &&
        soft->vector != VECTOR_NONE)
        return true;
    /* AMD's CPUs have the x87 ready for MMX by then. */
    if (host->state.rip == soft->state.rip && host->vector == soft->vector && uses_mmx(&p->at[i]))
        return true;
    /* A step's trap between elements, before the fault of one of them. */
    if (p->at[i].group == GROUP_GATHER && host->vector == 1)
        return true;
    /* #AC against #PF, and #AC at all for more than 8 bytes. */
    if ((host->state.rflags & FLAG_AC) == 0)
        return false;
    if (host->state.rip == soft->state.rip && (host->vector == 17 || soft->vector == 17) &&
        (host->vector == 12 || host->vector == 13 || host->vector == 14 || soft->vector == 12 ||
         soft->vector == 13 || soft->vector == 14))
        return true;
    return host->vector == 17 && widest_access(&p->at[i]) > 64;
}

/* Where in a large operand the first fault is noticed. */
static uint64_t address_mask(const struct program *p, const struct outcome *host)
{
    unsigned i = program_index(p, host);
    /* Elements beyond 4 GiB begin at 0 again, or don't. */
    if (p->narrow && i < p->count && p->at[i].i.meta.isa_ext != ZYDIS_ISA_EXT_BASE)
        return 0xfffff000;
    return i < p->count && widest_access(&p->at[i]) > 80 && p->at[i].group != GROUP_AVX
               ? ~UINT64_C(0xfff)
               : UINT64_MAX;
}

/* AMD's bit that lets SSE operands be unaligned; #GP elsewhere. */
static bool has_misaligned_sse(const struct outcome *host)
{
    return host->state.xsave[XSAVE_MXCSR + 2] & 2;
}

/* With overflow or underflow unmasked the software CPU computes such results by itself where they
 * do either: within an ulp, and with PE and C1 accordingly. */
static bool has_unmasked_transcendental(const struct program *p, const struct state *host)
{
    if ((host->xsave[0] & 0x18) == 0x18)
        return false;
    for (unsigned i = 0; i < p->count; i++)
        switch (p->at[i].i.mnemonic) {
        case ZYDIS_MNEMONIC_F2XM1:
        case ZYDIS_MNEMONIC_FYL2X:
        case ZYDIS_MNEMONIC_FYL2XP1:
        case ZYDIS_MNEMONIC_FPATAN:
        case ZYDIS_MNEMONIC_FPTAN:
        case ZYDIS_MNEMONIC_FSIN:
        case ZYDIS_MNEMONIC_FCOS:
        case ZYDIS_MNEMONIC_FSINCOS:
            return true;
        default:
            break;
        }
    return false;
}

static uint64_t register_value(const struct program *p, const struct state *s, ZydisRegister reg)
{
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
        return p->address + p->at[0].i.length;
    return ZydisRegisterGetClass(wide) == ZYDIS_REGCLASS_GPR64 ? s->r[ZydisRegisterGetId(wide)] : 0;
}

/* FOP, FIP and FDP, which the CPU keeps or not, MXCSR_MASK, and the components that it knows to be
 * initial are the host's own. */
static void forget_pointers(const struct program *p, const struct state *s)
{
    const ZydisDecodedOperandMem *m = &p->at[0].ops[0].mem;
    if (p->at[0].group != GROUP_FXSAVE && p->at[0].group != GROUP_XSAVE)
        return;
    uint64_t at = register_value(p, s, m->base) + register_value(p, s, m->index) * m->scale +
                  (uint64_t)(m->disp.has_displacement ? m->disp.value : 0) +
                  (m->segment == ZYDIS_REGISTER_FS   ? p->fs_base
                   : m->segment == ZYDIS_REGISTER_GS ? p->gs_base
                                                     : 0);
    if (p->at[0].i.address_width == 32)
        at = (uint32_t)at;
    static const struct {
        uint16_t from, to;
    } ranges[] = {{6, 24}, {28, 32}, {512, 513}};
    for (unsigned i = 0; i < 3; i++)
        for (uint64_t a = at + ranges[i].from; a < at + ranges[i].to; a++)
            if (a - DATA < MEMORY_SIZE)
                soft_memory[a - DATA] = host_memory[a - DATA];
}

const char *compare(const struct program *p, const struct outcome *host, const struct outcome *soft)
{
    const struct state *h = &host->state, *s = &soft->state;
    if (host->vector != VECTOR_NONE &&
        (canonical_by_base(p, host, soft) || either_fault(p, host, soft)))
        return NULL;
    if (has_misaligned_sse(host))
        return NULL;
    if (host->vector != soft->vector)
        return "vector";
    if (h->rip != s->rip)
        return "rip";
    if ((host->error ^ soft->error) & error_mask(host))
        return "error";
    if ((host->address ^ soft->address) & address_mask(p, host))
        return "address";
    if (memcmp(h->r, s->r, sizeof h->r) != 0)
        return "registers";
    if ((h->rflags ^ s->rflags) & flags_mask(p, host))
        return "flags";
    if (p->bases_change && (h->fs_base != s->fs_base || h->gs_base != s->gs_base))
        return "bases";
    if (has_unmasked_transcendental(p, h))
        return NULL;
    if (memcmp(h->xsave, s->xsave, 6) != 0)
        return "x87 control";
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(h->xsave + XSAVE_ST + 16 * i, s->xsave + XSAVE_ST + 16 * i, 10) != 0)
            return "x87 registers";
    if (memcmp(h->xsave + XSAVE_MXCSR, s->xsave + XSAVE_MXCSR, 4) != 0)
        return "mxcsr";
    if (memcmp(h->xsave + XSAVE_XMM, s->xsave + XSAVE_XMM, 256) != 0)
        return "xmm";
    if (memcmp(h->xsave + XSAVE_YMM, s->xsave + XSAVE_YMM, 256) != 0)
        return "ymm";
    forget_pointers(p, h);
    if (memcmp(host_memory, soft_memory, MEMORY_SIZE) != 0)
        return "memory";
    return NULL;
}

/* ---- Printing ---- */

static void print_hex(FILE *f, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%02x", bytes[i]);
}

void print_program(FILE *f, const struct program *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        const ZydisDecodedInstruction *insn = &p->at[i].i;
        fprintf(f, "#   %" PRIx64 ": ", p->address + p->at[i].off);
        print_hex(f, p->bytes + p->at[i].off, insn->length);
        fprintf(f, " %s", ZydisMnemonicGetString(insn->mnemonic));
        for (unsigned o = 0; o < insn->operand_count_visible; o++) {
            const ZydisDecodedOperand *op = &p->at[i].ops[o];
            const char *separator = o ? "," : "";
            if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
                fprintf(f, "%s %s", separator, ZydisRegisterGetString(op->reg.value));
            else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
                fprintf(f, "%s 0x%" PRIx64, separator, op->imm.value.u);
            else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
                fprintf(f, "%s m%u[%s+%s*%u%+" PRId64 "]", separator, op->size,
                        op->mem.base ? ZydisRegisterGetString(op->mem.base) : "0",
                        op->mem.index ? ZydisRegisterGetString(op->mem.index) : "0", op->mem.scale,
                        op->mem.disp.has_displacement ? op->mem.disp.value : 0);
        }
        fprintf(f, "\n");
    }
}

static void difference(FILE *f, const char *name, uint64_t h, uint64_t s)
{
    if (h != s)
        fprintf(f, "#   %-8s host %016" PRIx64 " soft %016" PRIx64 "\n", name, h, s);
}

static void differing_bytes(FILE *f, const char *name, const uint8_t *h, const uint8_t *s, size_t n)
{
    if (memcmp(h, s, n) == 0)
        return;
    fprintf(f, "#   %-8s host ", name);
    for (size_t i = n; i-- > 0;)
        fprintf(f, "%02x", h[i]);
    fprintf(f, "\n#   %-8s soft ", "");
    for (size_t i = n; i-- > 0;)
        fprintf(f, "%02x", s[i]);
    fprintf(f, "\n");
}

void print_differences(FILE *f, const struct program *p, const struct outcome *host,
                       const struct outcome *soft)
{
    const struct state *h = &host->state, *s = &soft->state;
    char name[16];
    if (host->vector == soft->vector && host->vector != VECTOR_NONE)
        fprintf(f, "#   vector %u, error %x, address %" PRIx64 ", rip %" PRIx64 "\n", host->vector,
                host->error, host->address, h->rip);
    difference(f, "vector", host->vector, soft->vector);
    difference(f, "error", host->error & error_mask(host), soft->error & error_mask(host));
    difference(f, "address", host->address, soft->address);
    difference(f, "rip", h->rip, s->rip);
    for (unsigned i = 0; i < 16; i++)
        difference(f, reg_names[i], h->r[i], s->r[i]);
    difference(f, "rflags", h->rflags & flags_mask(p, host), s->rflags & flags_mask(p, host));
    if (p->bases_change) {
        difference(f, "fs_base", h->fs_base, s->fs_base);
        difference(f, "gs_base", h->gs_base, s->gs_base);
    }
    differing_bytes(f, "fcw", h->xsave, s->xsave, 2);
    differing_bytes(f, "fsw", h->xsave + 2, s->xsave + 2, 2);
    differing_bytes(f, "ftw", h->xsave + 4, s->xsave + 4, 1);
    differing_bytes(f, "mxcsr", h->xsave + XSAVE_MXCSR, s->xsave + XSAVE_MXCSR, 4);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "st%u", i);
        differing_bytes(f, name, h->xsave + XSAVE_ST + 16 * i, s->xsave + XSAVE_ST + 16 * i, 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "xmm%u", i);
        differing_bytes(f, name, h->xsave + XSAVE_XMM + 16 * i, s->xsave + XSAVE_XMM + 16 * i, 16);
        snprintf(name, sizeof name, "ymmh%u", i);
        differing_bytes(f, name, h->xsave + XSAVE_YMM + 16 * i, s->xsave + XSAVE_YMM + 16 * i, 16);
    }
    for (unsigned i = 0; i < MEMORY_SIZE; i += 16) {
        snprintf(name, sizeof name, "%x", (unsigned)DATA + i);
        differing_bytes(f, name, host_memory + i, soft_memory + i, 16);
    }
}

/* ---- Replays ---- */

void replay_write(FILE *f, const struct replay *r)
{
    const struct state *s = &r->state;
    fprintf(f, "mode %d step %d\n", r->program.narrow ? 32 : 64, r->step);
    fprintf(f, "code %" PRIx64 " ", r->program.address);
    print_hex(f, r->program.bytes, r->program.size);
    fprintf(f, "\n");
    for (unsigned i = 0; i < 16; i++)
        fprintf(f, "%s %" PRIx64 "\n", reg_names[i], s->r[i]);
    fprintf(f, "rflags %" PRIx64 "\nfs_base %" PRIx64 "\ngs_base %" PRIx64 "\n", s->rflags,
            s->fs_base, s->gs_base);
    /* Lines of 32 bytes; those not given are 0. */
    static const uint8_t zero[32];
    for (unsigned i = 0; i < XSAVE_USED; i += 32)
        if (memcmp(s->xsave + i, zero, 32) != 0) {
            fprintf(f, "xsave %u ", i);
            print_hex(f, s->xsave + i, 32);
            fprintf(f, "\n");
        }
    for (unsigned i = 0; i < MEMORY_SIZE; i += 32)
        if (memcmp(r->memory + i, zero, 32) != 0) {
            fprintf(f, "memory %u ", i);
            print_hex(f, r->memory + i, 32);
            fprintf(f, "\n");
        }
}

static size_t parse_hex(const char *text, uint8_t *bytes, size_t capacity)
{
    size_t n = 0;
    unsigned value;
    while (n < capacity && sscanf(text + 2 * n, "%2x", &value) == 1)
        bytes[n++] = (uint8_t)value;
    return n;
}

static bool parse_register(struct state *s, const char *name, uint64_t value)
{
    for (unsigned i = 0; i < 16; i++)
        if (strcmp(name, reg_names[i]) == 0) {
            s->r[i] = value;
            return true;
        }
    uint64_t *to = strcmp(name, "rflags") == 0    ? &s->rflags
                   : strcmp(name, "fs_base") == 0 ? &s->fs_base
                   : strcmp(name, "gs_base") == 0 ? &s->gs_base
                                                  : NULL;
    if (to)
        *to = value;
    return to != NULL;
}

bool replay_read(FILE *f, struct replay *r)
{
    char line[2048], name[16], hex[1024];
    unsigned offset, mode, step;
    uint64_t value;
    memset(r, 0, sizeof *r);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (sscanf(line, "mode %u step %u", &mode, &step) == 2) {
            r->program.narrow = mode == 32;
            r->step = step != 0;
        } else if (sscanf(line, "code %" SCNx64 " %1000s", &value, hex) == 2) {
            r->program.address = value;
            r->program.size = (uint16_t)parse_hex(hex, r->program.bytes, sizeof r->program.bytes);
        } else if (sscanf(line, "xsave %u %64s", &offset, hex) == 2 && offset <= XSAVE_USED - 32) {
            parse_hex(hex, r->state.xsave + offset, 32);
        } else if (sscanf(line, "memory %u %64s", &offset, hex) == 2 &&
                   offset <= MEMORY_SIZE - 32) {
            parse_hex(hex, r->memory + offset, 32);
        } else if (sscanf(line, "%15s %" SCNx64, name, &value) != 2 ||
                   !parse_register(&r->state, name, value)) {
            fprintf(stderr, "not understood: %s", line);
            return false;
        }
    }
    r->state.rip = r->program.address;
    return r->program.size != 0 && program_analyse(&r->program);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* From guest code to micro-operations. */
#include "cpu/x86/engine.h"
#include "cpu/x86/x87.h"

#include <string.h>

struct uop *emit(struct translator *t, uop_fn fn)
{
    struct uop *u = t->out++;
    memset(u, 0, sizeof *u);
    u->fn = fn;
    u->base = u->index = REG_OFF(REG_ZERO);
    u->seg = SEG_DS;
    u->len = t->insn.length;
    u->off = t->off;
    return u;
}

uint8_t translate_gpr(ZydisRegister reg)
{
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return (uint8_t)(REG_OFF(reg - ZYDIS_REGISTER_AH) + 1);
    ZyanI8 id = ZydisRegisterGetId(reg);
    if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
        id = (ZyanI8)(reg - ZYDIS_REGISTER_SPL + 4);
    else if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
        id = (ZyanI8)(reg - ZYDIS_REGISTER_AL);
    return id >= 0 && id < 16 ? REG_OFF(id) : REG_OFF(REG_ZERO);
}

static const struct uop *op_fault(struct cpu *c, const struct uop *u)
{
    if (u->aux == EXC_GP)
        return cpu_raise_error(c, u, EXC_GP, 0);
    return cpu_raise(c, u, u->aux);
}

void translate_fault(struct translator *t, uint8_t vector)
{
    emit(t, op_fault)->aux = vector;
    t->ends_block = true;
}

bool translate_linkable(const struct translator *t, int64_t delta)
{
    if (t->page_bound || delta != (int32_t)delta || (t->mode & MODE_STEP))
        return false;
    if (!(t->mode & MODE_CODE64) && !(t->mode & MODE_FLAT_CS))
        return false;
    int64_t start = (int64_t)(t->page_offset) + delta;
    return start >= 0 && start < CPU_PAGE_SIZE;
}

static const struct uop *op_next_linked(struct cpu *c, const struct uop *u)
{
    JUMP_LINKED(c, u, u->disp);
}

static const struct uop *op_next(struct cpu *c, const struct uop *u)
{
    JUMP_TO(c, c->r[RIP] + (uint64_t)(int64_t)u->disp);
}

static const struct uop *op_next_narrow(struct cpu *c, const struct uop *u)
{
    uint64_t mask = c->mode & MODE_CODE32 ? 0xffffffff : 0xffff;
    uint64_t rip = c->r[RIP] + (uint64_t)(int64_t)u->disp;
    /* 16-bit code runs on past 64 KiB only into its limit. */
    return cpu_jump(c, mask == 0xffff && rip <= c->seg[SEG_CS].limit ? rip : rip & mask);
}

static void emit_next(struct translator *t)
{
    t->insn.length = 0;
    struct uop *u = emit(t, translate_linkable(t, t->off) ? op_next_linked
                            : t->mode & MODE_CODE64       ? op_next
                                                          : op_next_narrow);
    u->disp = t->off;
    u->link = NULL;
}

/* No flag that this instruction might need to show in a fault is dropped before it. */
static bool may_fault(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
    switch (insn->meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE:
        break;
    default: /* #UD without the feature; moves and conversions of x87, MMX and SSE raise more */
        return true;
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_CLI || insn->mnemonic == ZYDIS_MNEMONIC_STI)
        return true;
    switch (insn->meta.category) {
    case ZYDIS_CATEGORY_BINARY:
        if (insn->mnemonic == ZYDIS_MNEMONIC_DIV || insn->mnemonic == ZYDIS_MNEMONIC_IDIV)
            return true;
        break;
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_MISC:
        if (insn->mnemonic != ZYDIS_MNEMONIC_LEA)
            return true;
        break;
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_CONVERT:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_FLAGOP:
        break;
    default:
        return true;
    }
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY && ops[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
            return true;
    return insn->attributes & (ZYDIS_ATTRIB_IS_PRIVILEGED | ZYDIS_ATTRIB_HAS_LOCK);
}

static bool count_varies(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
    if (insn->meta.category != ZYDIS_CATEGORY_SHIFT && insn->meta.category != ZYDIS_CATEGORY_ROTATE)
        return false;
    return !(insn->operand_count_visible > 1 &&
             ops[insn->operand_count_visible - 1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
             (ops[insn->operand_count_visible - 1].imm.value.u & 31) != 0);
}

static void find_live_flags(struct code_cache *code, unsigned count)
{
    uint64_t live = CC_ARITH;
    for (unsigned i = count; i-- > 0;) {
        const ZydisDecodedInstruction *insn = &code->insns[i].insn;
        const ZydisDecodedOperand *ops = code->insns[i].ops;
        code->insns[i].live = live;
        const ZydisAccessedFlags *f = insn->cpu_flags;
        if (f && !count_varies(insn, ops) && !(insn->attributes & ZYDIS_ATTRIB_HAS_REP) &&
            !(insn->attributes & ZYDIS_ATTRIB_HAS_REPE))
            live &= ~(uint64_t)(f->modified | f->set_0 | f->set_1);
        if (f)
            live |= f->tested & CC_ARITH;
        if (may_fault(insn, ops) || insn->meta.category == ZYDIS_CATEGORY_COND_BR)
            live = CC_ARITH;
    }
}

/* Zydis 4.0 knows that MOD 0 leaves out a SIB's base for EBP, and forgets R13D. */
static void correct_base(const ZydisDecodedInstruction *insn, ZydisDecodedOperand *ops)
{
    if (insn->address_width != 32 || insn->raw.modrm.mod != 0)
        return;
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY && ops[i].mem.base == ZYDIS_REGISTER_R13D &&
            (insn->attributes & ZYDIS_ATTRIB_HAS_SIB)) {
            ops[i].mem.base = ZYDIS_REGISTER_NONE;
            ops[i].mem.disp.has_displacement = true;
            ops[i].mem.disp.value = insn->raw.disp.value;
        }
}

/* Instructions after which code, mode or interrupts may have changed, and jumps. What follows a
 * conditional jump is taken along for some time. */
static bool ends_decoding(const ZydisDecodedInstruction *insn, unsigned *branches)
{
    switch (insn->meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
        return ++*branches == BLOCK_MAX_BRANCHES;
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT:
        return true;
    default:
        return false;
    }
}

static const ZydisDecoder *decoder_for(const struct cpu *c)
{
    if (c->mode & MODE_CODE64)
        return &c->vm->decoders[0];
    unsigned narrow = c->mode & MODE_CODE32 ? 0 : 1;
    return &c->vm->decoders[(c->mode & MODE_LONG ? 1 : 3) + narrow];
}

/* Whether CR0, CR4 and XCR0 let the instruction at the registers it names: 0, or the exception. */
static uint8_t unavailable(const struct translator *t)
{
    const ZydisDecodedInstruction *insn = &t->insn;
    bool xmm = insn->mnemonic == ZYDIS_MNEMONIC_LDMXCSR || insn->mnemonic == ZYDIS_MNEMONIC_STMXCSR;
    bool mmx = insn->mnemonic == ZYDIS_MNEMONIC_EMMS;
    bool vex = insn->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
    bool avx =
        vex && insn->meta.isa_ext != ZYDIS_ISA_EXT_BMI1 && insn->meta.isa_ext != ZYDIS_ISA_EXT_BMI2;
    if (vex && (!(t->mode & MODE_PROT) || (t->mode & MODE_VM86)))
        return EXC_UD;
    if (avx)
        return !(t->mode & MODE_AVX) ? EXC_UD : t->mode & MODE_TS ? EXC_NM : 0;
    if (insn->meta.isa_ext == ZYDIS_ISA_EXT_X87) {
        uint32_t needed = insn->mnemonic == ZYDIS_MNEMONIC_FWAIT ? MODE_WAIT : MODE_X87;
        return t->mode & needed ? 0 : EXC_NM;
    }
    for (unsigned i = 0; i < insn->operand_count; i++) {
        if (t->ops[i].type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        ZydisRegisterClass class = ZydisRegisterGetClass(t->ops[i].reg.value);
        xmm |= class == ZYDIS_REGCLASS_XMM;
        mmx |= class == ZYDIS_REGCLASS_MMX;
    }
    if (xmm && !(t->mode & MODE_SSE))
        return EXC_UD;
    if (mmx && (t->mode & MODE_EM))
        return EXC_UD;
    return (xmm || mmx) && (t->mode & MODE_TS) ? EXC_NM : 0;
}

/* Whether x87, MMX or vector registers are touched. */
static bool uses_fp(const struct translator *t)
{
    const ZydisDecodedInstruction *insn = &t->insn;
    switch (insn->meta.isa_set) {
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
    case ZYDIS_ISA_SET_XSAVE:
    case ZYDIS_ISA_SET_XSAVEC:
    case ZYDIS_ISA_SET_XSAVEOPT:
    case ZYDIS_ISA_SET_XSAVES:
    case ZYDIS_ISA_SET_AVX: /* VZEROALL names none */
        return true;
    default:
        break;
    }
    for (unsigned i = 0; i < insn->operand_count; i++) {
        ZydisRegisterClass class = t->ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER
                                       ? ZydisRegisterGetClass(t->ops[i].reg.value)
                                       : ZYDIS_REGCLASS_INVALID;
        if (class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM ||
            class == ZYDIS_REGCLASS_MMX || class == ZYDIS_REGCLASS_X87)
            return true;
    }
    return false;
}

static bool names_mmx(const struct translator *t)
{
    for (unsigned i = 0; i < t->insn.operand_count; i++)
        if (t->ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(t->ops[i].reg.value) == ZYDIS_REGCLASS_MMX)
            return true;
    return false;
}

static const struct uop *op_want_fp(struct cpu *c, const struct uop *u)
{
    cpu_raise_unsupported(c, u);
    c->wants_fp = true;
    return NULL;
}

static void translate_one(struct translator *t)
{
    static translate_fn *const groups[] = {translate_integer, translate_control, translate_vector,
                                           translate_string,  translate_system,  translate_x87};
    int feature = feature_of(&t->insn);
    if (feature >= 0 && !cpu_has(t->c, (enum feature)feature)) {
        translate_fault(t, EXC_UD);
        return;
    }
    uint8_t vector = unavailable(t);
    if (vector) {
        translate_fault(t, vector);
        return;
    }
    if ((t->mode & MODE_NO_FP) && uses_fp(t)) {
        emit(t, op_want_fp);
        t->ends_block = true;
        return;
    }
    /* What the x87 has pending comes before a segment's checks. */
    if (!(t->mode & MODE_CODE64) && names_mmx(t))
        emit(t, x87_wait);
    for (unsigned i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (groups[i](t))
            return;
    translate_fault(t, EXC_UD);
}

/* Conditional jumps forward to an instruction of the same block stay in it. `starts` has the first
 * uop of each of `count` instructions. */
static void link_inside(struct code_cache *code, const uint16_t *starts, unsigned count)
{
    code->inner_count = 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        const ZydisDecodedInstruction *insn = &code->insns[i].insn;
        if (insn->meta.category != ZYDIS_CATEGORY_COND_BR)
            continue;
        struct uop *u = &code->uops[starts[i + 1] - 1];
        int64_t target = code->insns[i].off + insn->length + code->insns[i].ops[0].imm.value.s;
        if (u->link != NULL || u->disp != target)
            continue;
        for (unsigned j = i + 1; j < count; j++) {
            if (code->insns[j].off == target) {
                u->disp = 0;
                u->link = &code->uops[starts[j]];
                code->inner[code->inner_count++] = (uint16_t)(starts[i + 1] - 1);
            }
        }
    }
}

/* Emit the uops of `count` decoded instructions; returns for how many there was room. */
static unsigned emit_all(struct translator *t, const uint8_t *bytes, unsigned count)
{
    struct code_cache *code = t->c->code;
    uint16_t starts[BLOCK_MAX_INSNS];
    unsigned done = 0;
    find_live_flags(code, count);
    t->out = code->uops;
    t->end = code->uops + BLOCK_MAX_UOPS;
    t->off = 0;
    emit(t, uop_block_head);
    for (unsigned i = 0; i < count && !t->ends_block && t->out < t->end; i++) {
        starts[i] = (uint16_t)(t->out - code->uops);
        t->insn = code->insns[i].insn;
        memcpy(t->ops, code->insns[i].ops, sizeof t->ops[0] * t->insn.operand_count);
        t->bytes = bytes + code->insns[i].off;
        t->off = code->insns[i].off;
        t->live_flags = code->insns[i].live;
        translate_one(t);
        done = i + 1;
    }
    link_inside(code, starts, done);
    return done;
}

unsigned translate_block(struct cpu *c, const uint8_t *bytes, size_t available, bool crosses,
                         uint16_t *size)
{
    struct code_cache *code = c->code;
    const ZydisDecoder *decoder = decoder_for(c);
    unsigned count = 0, limit = crosses || (c->mode & MODE_STEP) ? 1 : BLOCK_MAX_INSNS;
    unsigned branches = 0;
    size_t off = 0;
    uint8_t fault = 0;
    bool ended = false;
    while (count < limit && off < available && !ended) {
        size_t left = available - off;
        ZyanStatus status =
            ZydisDecoderDecodeFull(decoder, bytes + off, left < 15 ? left : 15,
                                   &code->insns[count].insn, code->insns[count].ops);
        if (status == ZYDIS_STATUS_NO_MORE_DATA && left < 15) {
            if (count == 0 && !crosses)
                return 0;
            break;
        }
        if (!ZYAN_SUCCESS(status)) {
            fault =
                status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG || status == ZYDIS_STATUS_NO_MORE_DATA
                    ? EXC_GP
                    : EXC_UD;
            break;
        }
        correct_base(&code->insns[count].insn, code->insns[count].ops);
        code->insns[count].off = (uint16_t)off;
        ended = ends_decoding(&code->insns[count].insn, &branches);
        off += code->insns[count].insn.length;
        count++;
    }
    struct translator t = {.c = c, .mode = c->mode, .page_bound = crosses};
    t.page_offset = (unsigned)((c->mode & MODE_CODE64 ? 0 : c->seg[SEG_CS].base) + c->r[RIP]) &
                    (CPU_PAGE_SIZE - 1);
    unsigned done = emit_all(&t, bytes, count);
    if (!t.ends_block && done < count) {
        /* No room for all: what was left out kills no flags. */
        count = done;
        fault = 0;
        emit_all(&t, bytes, count);
    }
    t.off =
        done == 0 ? 0 : (uint16_t)(code->insns[done - 1].off + code->insns[done - 1].insn.length);
    *size = t.off;
    if (!t.ends_block) {
        if (done == count && fault && (count == 0 || !(c->mode & MODE_STEP))) {
            t.insn.length = 0;
            translate_fault(&t, fault);
            /* The bytes that made it invalid are part of the block. */
            size_t tail = available - off < 15 ? available - off : 15;
            *size = (uint16_t)(off + tail);
        } else {
            emit_next(&t);
        }
    }
    return (unsigned)(t.out - code->uops);
}

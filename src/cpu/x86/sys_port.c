/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports (Intel SDM vol. 1, "Input/Output"). */
#include "cpu/x86/sys.h"

#define BITMAP_AT 102u

/* Beyond IOPL the TSS's bitmap decides. */
bool cpu_port_allowed(struct cpu *c, const struct uop *u, uint16_t port, unsigned size)
{
    bool asks = (c->mode & MODE_VM86) || ((c->mode & MODE_PROT) && c->cpl > (c->rflags >> 12 & 3));

    if (!asks)
        return true;
    if ((c->tr.attributes & (VMACCEL_X86_SEG_P | 8)) == (VMACCEL_X86_SEG_P | 8) &&
        c->tr.limit > BITMAP_AT) {
        if (!cpu_load_system(c, u, c->tr.base + BITMAP_AT, 2))
            return false;
        uint32_t at = c->ld.u16[0] + port / 8u;
        if (at + 1 <= c->tr.limit) {
            if (!cpu_load_system(c, u, c->tr.base + at, 2))
                return false;
            if (!(c->ld.u16[0] >> (port & 7) & ((1u << size) - 1)))
                return true;
        }
    }
    cpu_raise_error(c, u, EXC_GP, 0);
    return false;
}

bool cpu_port_read(struct cpu *c, const struct uop *u, uint16_t port, unsigned size)
{
    uint64_t value;

    if (!cpu_port_allowed(c, u, port, size) ||
        !cpu_device_read(c, u, REPLAY_IO, port, size, &value))
        return false;
    c->ld.u64[0] = value;
    return true;
}

bool cpu_port_write(struct cpu *c, const struct uop *u, uint16_t port, unsigned size,
                    uint32_t value)
{
    if (!cpu_port_allowed(c, u, port, size))
        return false;
    if (cpu_device_write(c, REPLAY_IO, port, size, value))
        return true;
    cpu_raise_unsupported(c, u);
    return false;
}

/* aux: bytes; src: 1 for the port in DX, else imm. */
static uint16_t port_of(const struct cpu *c, const struct uop *u)
{
    return u->src ? (uint16_t)c->r[RDX] : (uint16_t)u->imm;
}

static const struct uop *op_in(struct cpu *c, const struct uop *u)
{
    if (!cpu_port_read(c, u, port_of(c, u), u->aux))
        return NULL;
    if (u->aux == 1)
        R8(c, REG_OFF(RAX)) = c->ld.u8[0];
    else if (u->aux == 2)
        R16(c, REG_OFF(RAX)) = c->ld.u16[0];
    else
        c->r[RAX] = c->ld.u32[0];
    END_SLOW(c, u);
}

static const struct uop *op_out(struct cpu *c, const struct uop *u)
{
    uint32_t mask = u->aux == 4 ? UINT32_MAX : (1u << 8 * u->aux) - 1;

    if (!cpu_port_write(c, u, port_of(c, u), u->aux, (uint32_t)c->r[RAX] & mask))
        return NULL;
    END_SLOW(c, u);
}

bool sys_translate_port(struct translator *t)
{
    bool in = t->insn.mnemonic == ZYDIS_MNEMONIC_IN;

    if (!in && t->insn.mnemonic != ZYDIS_MNEMONIC_OUT)
        return false;
    const ZydisDecodedOperand *port = &t->ops[in ? 1 : 0];
    struct uop *u = emit(t, in ? op_in : op_out);
    u->aux = (uint8_t)(t->ops[in ? 0 : 1].size / 8);
    u->src = port->type == ZYDIS_OPERAND_TYPE_REGISTER;
    if (!u->src)
        u->imm = (int64_t)(port->imm.value.u & 0xff);
    return true;
}

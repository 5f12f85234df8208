#include "insns.h"

#include "util.h"

static bool jumps(const struct bpf_insn *i, uint64_t a)
{
	if (i->code != (BPF_JMP | BPF_JEQ | BPF_K))
		fail_msg("instruction %#x is none of ours", i->code);
	return a == (uint64_t)(int64_t)i->imm;
}

uint64_t insns_run(const struct cgroup_devices *d, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t reg[11] = { 0 };
	size_t at = 0;

	for (;;) {
		const struct bpf_insn *i = &d->insns[at++];
		uint64_t *to = &reg[i->dst_reg];

		assert_in_range(at, 1, d->count);
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			*to = *(const uint32_t *)(const void *)((const char *)ctx + i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*to = reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*to = (uint64_t)(int64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*to &= (uint64_t)(int64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_X:
			*to &= reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_OR | BPF_X:
			*to |= reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_XOR | BPF_K:
			*to ^= (uint64_t)(int64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_MUL | BPF_K:
			*to *= (uint64_t)(int64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_NEG:
			*to = -*to;
			break;
		case BPF_ALU | BPF_XOR | BPF_K:
			*to = (uint32_t)*to ^ (uint32_t)i->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*to >>= i->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_X:
			*to >>= reg[i->src_reg] & 63; /* as the processor does it */
			break;
		case BPF_LD | BPF_IMM | BPF_DW:
			*to = (uint32_t)i->imm | (uint64_t)(uint32_t)d->insns[at++].imm << 32;
			break;
		case BPF_JMP | BPF_EXIT:
			return reg[0];
		default:
			at += jumps(i, *to) ? (size_t)i->off : 0;
		}
	}
}

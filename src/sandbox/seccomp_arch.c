/*
 * Names to numbers. libseccomp knows them for every architecture; here is what its tables lack:
 * system calls newer than Debian 12's libseccomp, and where i386 and its like have numbers of
 * their own for what socketcall(2) and ipc(2) do too.
 */
#include "sandbox/seccomp_rules.h"

#include "base/str.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>

static const struct seccomp_arch archs[] = {
	{ "SCMP_ARCH_X86_64", "amd64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, true },
	{ "SCMP_ARCH_X86", "x86", SCMP_ARCH_X86, AUDIT_ARCH_I386, false, 337, 402 },
	{ "SCMP_ARCH_X32", "x32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64, false },
	{ "SCMP_ARCH_AARCH64", "arm64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, true },
	{ "SCMP_ARCH_ARM", "arm", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, false },
	{ "SCMP_ARCH_MIPS", "mips", SCMP_ARCH_MIPS, AUDIT_ARCH_MIPS, false, 4168, 4402 },
	{ "SCMP_ARCH_MIPS64", "mips64", SCMP_ARCH_MIPS64, AUDIT_ARCH_MIPS64, true },
	{ "SCMP_ARCH_MIPS64N32", "mips64n32", SCMP_ARCH_MIPS64N32, AUDIT_ARCH_MIPS64N32, false },
	{ "SCMP_ARCH_MIPSEL", "mipsel", SCMP_ARCH_MIPSEL, AUDIT_ARCH_MIPSEL, false, 4168, 4402 },
	{ "SCMP_ARCH_MIPSEL64", "mipsel64", SCMP_ARCH_MIPSEL64, AUDIT_ARCH_MIPSEL64, true },
	{ "SCMP_ARCH_MIPSEL64N32", "mipsel64n32", SCMP_ARCH_MIPSEL64N32, AUDIT_ARCH_MIPSEL64N32,
	  false },
	{ "SCMP_ARCH_PPC", "ppc", SCMP_ARCH_PPC, AUDIT_ARCH_PPC, false, 326, 402 },
	{ "SCMP_ARCH_PPC64", "ppc64", SCMP_ARCH_PPC64, AUDIT_ARCH_PPC64, true, 326, 402 },
	{ "SCMP_ARCH_PPC64LE", "ppc64le", SCMP_ARCH_PPC64LE, AUDIT_ARCH_PPC64LE, true, 326, 402 },
	{ "SCMP_ARCH_S390", "s390", SCMP_ARCH_S390, AUDIT_ARCH_S390, false, 357, 402 },
	{ "SCMP_ARCH_S390X", "s390x", SCMP_ARCH_S390X, AUDIT_ARCH_S390X, true, 357, 402 },
	{ "SCMP_ARCH_PARISC", "", SCMP_ARCH_PARISC, AUDIT_ARCH_PARISC, false },
	{ "SCMP_ARCH_PARISC64", "", SCMP_ARCH_PARISC64, AUDIT_ARCH_PARISC64, true },
	{ "SCMP_ARCH_RISCV64", "riscv64", SCMP_ARCH_RISCV64, AUDIT_ARCH_RISCV64, true },
};

/*
 * Since Linux 5.1 a new system call has the same number everywhere, counted from where an
 * architecture's own numbers begin (0x40000000 for x32, 4000 for MIPS o32).
 */
static const struct {
	char name[20];
	uint16_t number;
	uint32_t only; /* on this architecture, and not counted from anywhere; 0: on all */
} newer[] = {
	{ "uretprobe", 335, SCMP_ARCH_X86_64 },
	{ "uprobe", 336, SCMP_ARCH_X86_64 },
	{ "cachestat", 451 },
	{ "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },
	{ "futex_wake", 454 },
	{ "futex_wait", 455 },
	{ "futex_requeue", 456 },
	{ "statmount", 457 },
	{ "listmount", 458 },
	{ "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 },
	{ "lsm_list_modules", 461 },
	{ "mseal", 462 },
	{ "setxattrat", 463 },
	{ "getxattrat", 464 },
	{ "listxattrat", 465 },
	{ "removexattrat", 466 },
	{ "open_tree_attr", 467 },
	{ "file_getattr", 468 },
	{ "file_setattr", 469 },
};

const struct seccomp_arch *seccomp_arch_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (str_eq(archs[i].name, name))
			return &archs[i];
	return NULL;
}

const struct seccomp_arch *seccomp_arch_of_this_machine(void)
{
	uint32_t token = seccomp_arch_native();

	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (archs[i].token == token)
			return &archs[i];
	return &archs[0];
}

void seccomp_resolver_init(struct seccomp_resolver *r, const struct seccomp_arch *arch)
{
	/* Any that all architectures have had since there are uniform numbers. */
	int openat2 = seccomp_syscall_resolve_name_arch(arch->token, "openat2");

	*r = (struct seccomp_resolver){
		.arch = arch,
		.base = openat2 < 0 ? 0 : (uint32_t)openat2 - 437,
	};
}

/*
 * libseccomp answers -100-N for call N of socketcall and -200-N for call N of ipc where they exist,
 * and keeps the call's own number to itself; but it does name that number.
 */
static void map_direct(struct seccomp_resolver *r)
{
	r->mapped = true;
	for (int n = r->arch->mux_first; n <= r->arch->mux_last; n++) {
		CLEAN(free) char *name = seccomp_syscall_resolve_num_arch(r->arch->token, n);
		int pseudo = name ? seccomp_syscall_resolve_name_arch(r->arch->token, name) : 0;

		if (pseudo <= -100 && pseudo > -300)
			r->direct[-pseudo] = (int16_t)n;
	}
}

static struct seccomp_number resolve_newer(const struct seccomp_resolver *r, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(newer); i++) {
		if (!str_eq(newer[i].name, name))
			continue;
		if (newer[i].only && newer[i].only != r->arch->token)
			break;
		return (struct seccomp_number){
			.direct = true,
			.number = newer[i].number + (newer[i].only ? 0 : r->base),
		};
	}
	return (struct seccomp_number){ 0 };
}

struct seccomp_number seccomp_resolve(struct seccomp_resolver *r, const char *name)
{
	int n = seccomp_syscall_resolve_name_arch(r->arch->token, name);
	struct seccomp_number ret = { 0 };
	int mux;

	if (n >= 0)
		return (struct seccomp_number){ .direct = true, .number = (uint32_t)n };
	if (n == __NR_SCMP_ERROR)
		return resolve_newer(r, name);
	if (n > -100 || n <= -300 || !r->arch->mux_first)
		return ret;
	if (!r->mapped)
		map_direct(r);
	mux = seccomp_syscall_resolve_name_arch(r->arch->token, n > -200 ? "socketcall" : "ipc");
	ret.direct = r->direct[-n] > 0;
	ret.number = (uint32_t)r->direct[-n];
	ret.muxed = mux >= 0;
	ret.mux = (uint32_t)mux;
	ret.subcall = (uint32_t)(-n % 100);
	/* ipc/syscall.c: above 16 bits stands a version, and for most calls none is looked at. */
	ret.subcall_mask = n > -200 ? UINT32_MAX : UINT16_MAX;
	return ret;
}

/*
 * guard_self() before the C library has started: programs that enter containers begin here, in front
 * of the usual _start (the Makefile names the entry). Executing ourselves a second time would cost a
 * second start of the library, which is the dearest part of a short program; at this moment nothing
 * has been written to our image yet, so it can be exchanged under our feet instead:
 *
 *   1. clone the mount that our executable lies on, detached, and make the clone read-only;
 *   2. map every segment anew from the same file as the clone shows it;
 *   3. tell the kernel that this file is our executable (PR_SET_MM_MAP), which it only believes once
 *      nothing of the old one is mapped.
 *
 * From then on /proc/self/exe, what "#!/proc/self/exe" leads to, and each mapping stand on a mount
 * that is read-only and in no namespace where anybody could change that. (Why that is needed: guard.h.
 * Why no check of the payload does instead: a name may lead elsewhere, and a script get another first
 * line, between the check and execve; and the tree is the container's.)
 *
 * Where the third step is not to be had (a kernel without checkpoint and restore, or before 5.9, which
 * wanted other rights for it) the clone is executed, still without a second start of the library. Any
 * other failure is left to guard_self(), which looks whether we run from a read-only mount and has
 * words for what is wrong.
 *
 * Nothing here may touch the C library or any data that needs a relocation: neither is there yet.
 */
#include "runtime/guard.h"

#include "base/raw.h"

#include <asm/unistd.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#define PAGE 4096ul
#define AT_EMPTY 0x1000

extern const char image[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

#if defined(__x86_64__)
__asm__(".globl guard_entry\n"
	".type guard_entry, @function\n"
	"guard_entry:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rbx\n"
	"	mov %rsp, %rdi\n"
	"	call guard_early\n"
	"	mov %rbx, %rsp\n"
	"	xor %edx, %edx\n"
	"	jmp _start\n");
#else
__asm__(".globl guard_entry\n"
	".type guard_entry, %function\n"
	"guard_entry:\n"
	"	mov x19, sp\n"
	"	mov x0, sp\n"
	"	bl guard_early\n"
	"	mov sp, x19\n"
	"	mov x0, #0\n"
	"	b _start\n");
#endif

static long call(long n, long a, long b, long c, long d, long e)
{
	return raw_call(n, a, b, c, d, e, 0);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/*
 * The verbs that enter a container. Only a hint, for a word may be a flag's value too: others need
 * not pay for the guard, and a verb that is missing here is still guarded by guard_self().
 */
static bool may_enter(char **argv)
{
	for (; *argv; argv++)
		if (same(*argv, "run") || same(*argv, "create") || same(*argv, "exec"))
			return true;
	return false;
}

/* Our executable on a read-only clone of its mount, as an O_PATH fd; < 0: none made or needed. */
static long clone_open(void)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	long self = call(__NR_openat, AT_FDCWD, (long)"/proc/self/exe", O_PATH | O_CLOEXEC, 0, 0);
	long clone = -1;
	struct statfs fs;

	if (self < 0)
		return self;
	if (call(__NR_fstatfs, self, (long)&fs, 0, 0, 0) == 0 && !(fs.f_flags & MS_RDONLY))
		clone = call(__NR_open_tree, self, (long)"",
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY, 0, 0);
	call(__NR_close, self, 0, 0, 0, 0);
	if (clone >= 0 && call(__NR_mount_setattr, clone, (long)"", AT_EMPTY, (long)&read_only,
			       sizeof(read_only)) < 0) {
		call(__NR_close, clone, 0, 0, 0, 0);
		return -1;
	}
	return clone;
}

/* To open what an O_PATH fd stands for takes its name in /proc. */
static long reopen(long fd)
{
	char path[] = "/proc/self/fd/\0\0\0\0\0\0\0\0\0\0";
	char *end = path + sizeof("/proc/self/fd/") - 1;
	long digits = fd;

	do
		end++;
	while (digits /= 10);
	do
		*--end = (char)('0' + fd % 10);
	while (fd /= 10);
	return call(__NR_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0);
}

static long map_again(const Elf64_Phdr *p, long file)
{
	uintptr_t begin = ((uintptr_t)image + p->p_vaddr) & ~(PAGE - 1);
	uintptr_t end = (uintptr_t)image + p->p_vaddr + p->p_filesz;
	uintptr_t whole = (end + PAGE - 1) & ~(PAGE - 1);
	int prot = (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
		   (p->p_flags & PF_X ? PROT_EXEC : 0);
	/* Relocation writes to nearly every page that can be written to: all at once costs less. */
	int how = MAP_PRIVATE | MAP_FIXED | (p->p_flags & PF_W ? MAP_POPULATE : 0);
	long at = raw_call(__NR_mmap, (long)begin, (long)(whole - begin), prot, how, file,
			   (long)(p->p_offset & ~(PAGE - 1)));

	if (at != (long)begin)
		return at < 0 ? at : -1;
	/* What follows in the file is not ours to see: the program's zeros begin here. */
	if (p->p_memsz > p->p_filesz)
		for (volatile char *zero = (volatile char *)end; zero < (char *)whole; zero++)
			*zero = 0;
	return 0;
}

static char *after(char *text)
{
	while (*text)
		text++;
	return text + 1;
}

/*
 * The kernel takes the executable's file only together with where everything lies, which is shown in
 * /proc/self/stat, cmdline and environ: all as it is. The strings of the arguments lie one after the
 * other, and those of the environment behind them.
 */
static long file_set(long *stack, long file)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)image;
	const Elf64_Phdr *rows = (const Elf64_Phdr *)(image + head->e_phoff);
	char **argv = (char **)(stack + 1), **env = argv + stack[0] + 1;
	uint64_t brk = (uint64_t)call(__NR_brk, 0, 0, 0, 0, 0);
	struct prctl_mm_map map = {
		.start_brk = brk,
		.brk = brk,
		.start_stack = (uintptr_t)stack,
		.arg_start = (uintptr_t)argv[0],
		.arg_end = (uintptr_t)after(argv[stack[0] - 1]),
		.exe_fd = (uint32_t)file,
	};

	for (int i = 0; i < head->e_phnum; i++) {
		uintptr_t begin = (uintptr_t)image + rows[i].p_vaddr;

		if (rows[i].p_type == PT_LOAD && rows[i].p_flags & PF_X) {
			map.start_code = begin;
			map.end_code = begin + rows[i].p_filesz;
		} else if (rows[i].p_type == PT_LOAD && rows[i].p_flags & PF_W) {
			map.start_data = begin;
			map.end_data = begin + rows[i].p_filesz;
		}
	}
	map.env_start = map.env_end = map.arg_end;
	for (; *env; env++)
		map.env_end = (uintptr_t)after(*env);
	return call(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&map, sizeof(map), 0);
}

/* Which order? The one that executes first: if the kernel doesn't take that, nothing has changed. */
static long image_exchange(long file)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)image;
	const Elf64_Phdr *rows = (const Elf64_Phdr *)(image + head->e_phoff);
	long rc = 0;

	for (int executes = 1; executes >= 0; executes--)
		for (int i = 0; i < head->e_phnum && rc == 0; i++)
			if (rows[i].p_type == PT_LOAD && !(rows[i].p_flags & PF_X) == !executes)
				rc = map_again(&rows[i], file);
	return rc;
}

/* From the stack that the kernel made: argc, argv, NULL, the environment. */
__attribute__((used)) void guard_early(long *stack);

void guard_early(long *stack)
{
	char **argv = (char **)(stack + 1), **env = argv + stack[0] + 1;
	long clone, file, rc;

	if (!may_enter(argv))
		return;
	clone = clone_open();
	if (clone < 0)
		return;
	file = reopen(clone);
	rc = file < 0 ? file : image_exchange(file);
	if (rc == 0)
		rc = file_set(stack, file);
	if (rc == 0)
		guard_done = true;
	else
		call(__NR_execveat, clone, (long)"", (long)argv, (long)env, AT_EMPTY);
	if (file >= 0)
		call(__NR_close, file, 0, 0, 0, 0);
	call(__NR_close, clone, 0, 0, 0, 0);
}

/*
 * rows OUT PROGRAM FAULT... -- COMMAND...: run COMMAND, and wherever it executes PROGRAM (ctr, ctr-oci),
 * watch that walk its stage table row by row. The table is read from the program's own memory, and a
 * breakpoint stands on each row's function, so nothing in the program knows of this. FAULT is one of
 *
 *   list               none; only look
 *   fail ROW N ERRNO   the N-th system call of the row called ROW is answered with this error (a number)
 *   kill ROW N self    SIGKILL to the process that is in the row, at its N-th call instead of that; 0:
 *                      as soon as it is there
 *   kill ROW N other   SIGKILL to PROGRAM's other processes at that moment: the other side of the walk
 *
 * OUT gets a line for each row of the tables, "row TABLE SIDE<tab>NAME<tab>CALL CALL ...", with - for the
 * calls of a row that makes none and with nothing where the row was not walked, and "hit CALL" if the fault
 * came to be. The exit status is COMMAND's; 123:
 * something else is wrong, or all was killed after 20 s. What lives on after COMMAND is let go.
 */
#include "runtime/stages.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define GONE (-1L) /* no code */
#define ROWS_MAX 128
#define PROCS_MAX 256
#define TEXT_MAX 16384
#define OPTIONS                                                                                   \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
	 PTRACE_O_TRACEEXEC)

/* The program's file: offsets from where it is loaded. */
static uint64_t entry, main_at, table_at[2];
static unsigned char main_code[16];

/* Its tables, read once. */
static struct row {
	uint64_t run; /* offset */
	long code;    /* what stands there */
	int table;
	enum side side;
	char name[64];
	bool walked;
	char calls[TEXT_MAX];
} rows[ROWS_MAX];
static int row_count;

static struct fault {
	enum { LIST, FAIL, KILL } kind;
	const char *row;
	int n, code;
	bool other;
	char hit[64];
} fault;

static struct proc {
	pid_t pid;           /* 0: free */
	bool stopped, known; /* both, and it may run: its parent was seen to make it */
	enum { STRANGE, BEGINNING, OURS } image;
	uint64_t base;
	int table, row;         /* -1 */
	bool set[ROWS_MAX];     /* which breakpoints stand */
	uint64_t back;          /* where the row returns to; 0 */
	long back_code, inject; /* inject: error for the call it is in */
	int calls;
	bool in_call;
} procs[PROCS_MAX];

static volatile sig_atomic_t over;
/* COMMAND has ended: whoever stops is let go. */
static bool ending;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	/* The tracees go on without us, into breakpoints. */
	for (int i = 0; i < PROCS_MAX; i++)
		if (procs[i].pid)
			kill(procs[i].pid, SIGKILL);
	exit(123);
}

/* ---- the program's file -------------------------------------------------------------- */

static void symbols_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	const char *file;
	const Elf64_Ehdr *head;
	const Elf64_Shdr *sections;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s", path);
	file = malloc((size_t)st.st_size);
	if (!file || read(fd, (void *)file, (size_t)st.st_size) != st.st_size)
		die("%s", path);
	head = (const Elf64_Ehdr *)file;
	sections = (const Elf64_Shdr *)(file + head->e_shoff);
	entry = head->e_entry;
	for (int i = 0; i < head->e_shnum; i++) {
		const Elf64_Sym *symbols = (const Elf64_Sym *)(file + sections[i].sh_offset);
		const char *names = file + sections[sections[i].sh_link].sh_offset;

		if (sections[i].sh_type != SHT_SYMTAB)
			continue;
		for (size_t k = 0; k < sections[i].sh_size / sizeof(*symbols); k++) {
			const char *name = names + symbols[k].st_name;

			if (!strcmp(name, "main"))
				main_at = symbols[k].st_value;
			if (!strcmp(name, "create_stages"))
				table_at[0] = symbols[k].st_value;
			if (!strcmp(name, "exec_stages"))
				table_at[1] = symbols[k].st_value;
		}
	}
	if (!main_at || !table_at[0] || !table_at[1])
		die("%s has no symbols of its stage tables", path);
	for (int i = 0; i < head->e_phnum; i++) {
		const Elf64_Phdr *p = (const Elf64_Phdr *)(file + head->e_phoff) + i;

		if (p->p_type == PT_LOAD && main_at >= p->p_vaddr &&
		    main_at < p->p_vaddr + p->p_filesz)
			memcpy(main_code, file + p->p_offset + main_at - p->p_vaddr,
			       sizeof(main_code));
	}
	free((void *)file);
	close(fd);
}

/* ---- its memory ---------------------------------------------------------------------- */

static bool look(pid_t pid, uint64_t at, void *ret, size_t len)
{
	struct iovec ours = { ret, len }, theirs = { (void *)at, len };

	return process_vm_readv(pid, &ours, 1, &theirs, 1, 0) == (ssize_t)len;
}

/* What was there; GONE: somebody has killed it in between, and its end is reported. */
static long poke(pid_t pid, uint64_t at, bool set, long code)
{
	long was;

	errno = 0;
	was = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	if (errno == ESRCH)
		return GONE;
	if (errno)
		die("look at a breakpoint's place");
	if (ptrace(PTRACE_POKETEXT, pid, at,
		   set ? (was & ~0xffl) | 0xcc : (was & ~0xffl) | (code & 0xff)) < 0 &&
	    errno != ESRCH)
		die("set a breakpoint");
	return was;
}

static void row_name(pid_t pid, uint64_t at, char *ret, size_t room)
{
	for (size_t i = 0; i + 1 < room && look(pid, at + i, ret + i, 1) && ret[i]; i++)
		ret[i + 1] = '\0';
}

/* Once it is relocated. */
static void tables_read(const struct proc *p)
{
	for (int table = 0; table < 2; table++)
		for (int i = 0; row_count < ROWS_MAX; i++) {
			struct row *r = &rows[row_count];
			struct stage s;

			if (!look(p->pid, p->base + table_at[table] + (size_t)i * sizeof(s), &s,
				  sizeof(s)))
				die("read the stage table");
			if (!s.name)
				break;
			row_name(p->pid, (uintptr_t)s.name, r->name, sizeof(r->name));
			r->side = s.side;
			r->table = table;
			r->run = (uintptr_t)s.run - p->base;
			row_count++;
		}
}

/* Two tables may have the same function: the second breakpoint must not take the first for code. */
static void rows_set(struct proc *p)
{
	for (int i = 0; i < row_count; i++) {
		long was = poke(p->pid, p->base + rows[i].run, true, 0);

		if (was == GONE)
			return;
		if ((was & 0xff) != 0xcc)
			rows[i].code = was;
		for (int k = 0; k < i; k++)
			if (rows[k].run == rows[i].run)
				rows[i].code = rows[k].code;
		p->set[i] = true;
	}
}

static void row_clear(struct proc *p, uint64_t run)
{
	for (int i = 0; i < row_count; i++)
		if (rows[i].run == run && p->set[i]) {
			poke(p->pid, p->base + run, false, rows[i].code);
			p->set[i] = false;
		}
}

/* ---- what it does -------------------------------------------------------------------- */

static struct proc *proc_get(pid_t pid)
{
	for (int i = 0; i < PROCS_MAX; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	for (int i = 0; i < PROCS_MAX; i++)
		if (!procs[i].pid) {
			procs[i] = (struct proc){ .pid = pid, .table = -1, .row = -1 };
			return &procs[i];
		}
	die("too many processes");
}

/* Not the C library's start and malloc: no kernel answers these so. */
static bool is_plain(long nr)
{
	return nr == SYS_brk || nr == SYS_mmap || nr == SYS_munmap || nr == SYS_mprotect ||
	       nr == SYS_exit_group || nr == SYS_exit;
}

static void call_note(const struct proc *p, long nr)
{
	struct row *r = &rows[p->row];
	char *known = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr), name[64];
	size_t len = strlen(r->calls);

	/* Newer than the library: by its number. */
	snprintf(name, sizeof(name), "%s", known ? known : "");
	if (!known)
		snprintf(name, sizeof(name), "%ld", nr);
	free(known);
	snprintf(r->calls + len, sizeof(r->calls) - len, "%s%s", len ? " " : "", name);
	if (fault.kind != LIST && p->calls == fault.n && !strcmp(fault.row, r->name))
		memcpy(fault.hit, name, sizeof(fault.hit));
}

/* In a call: it can fail. */
static void strike(struct proc *p, struct user_regs_struct *regs)
{
	if (fault.kind == FAIL) {
		p->inject = fault.code;
		regs->orig_rax = (unsigned long long)-1;
		ptrace(PTRACE_SETREGS, p->pid, 0, regs);
	} else if (!fault.other) {
		kill(p->pid, SIGKILL);
	} else {
		for (int i = 0; i < PROCS_MAX; i++)
			if (procs[i].pid && procs[i].image == OURS && &procs[i] != p)
				kill(procs[i].pid, SIGKILL);
	}
}

static void call_begins(struct proc *p, struct user_regs_struct *regs)
{
	long nr = (long)regs->orig_rax;

	p->in_call = true;
	if (p->row < 0 || is_plain(nr))
		return;
	p->calls++;
	call_note(p, nr);
	if (fault.hit[0] && p->calls == fault.n && !strcmp(fault.row, rows[p->row].name))
		strike(p, regs);
}

static void call_ends(struct proc *p, struct user_regs_struct *regs)
{
	p->in_call = false;
	if (!p->inject)
		return;
	regs->rax = (unsigned long long)-p->inject;
	p->inject = 0;
	ptrace(PTRACE_SETREGS, p->pid, 0, regs);
}

/* Is what begins here PROGRAM? Asked when the C library starts, which is after the guard (guard_entry.c). */
static void image_begins(struct proc *p)
{
	unsigned char code[sizeof(main_code)];
	char path[48];
	Elf64_auxv_t aux;
	int fd;

	p->image = STRANGE;
	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, &aux, sizeof(aux)) == sizeof(aux))
		if (aux.a_type == AT_ENTRY)
			p->base = aux.a_un.a_val - entry;
	close(fd);
	if (!look(p->pid, p->base + main_at, code, sizeof(code)) ||
	    memcmp(code, main_code, sizeof(code)) != 0)
		return;
	p->image = OURS;
	poke(p->pid, p->base + main_at, true, 0);
}

/* Of two tables' rows with the same function, the one in the table that it is walking. */
static int row_at(const struct proc *p, uint64_t at)
{
	int found = -1;

	for (int i = 0; i < row_count; i++)
		if (p->set[i] && rows[i].run == at && (found < 0 || rows[i].table == p->table))
			found = i;
	return found;
}

/* It is in a row: until it is back, its calls are counted. */
static void row_begins(struct proc *p, int row, struct user_regs_struct *regs)
{
	p->row = row;
	p->table = rows[row].table;
	p->calls = 0;
	rows[row].walked = true;
	row_clear(p, rows[row].run);
	if (!look(p->pid, regs->rsp, &p->back, sizeof(p->back))) {
		if (errno != ESRCH)
			die("read a return address");
		return;
	}
	p->back_code = poke(p->pid, p->back, true, 0);
	if (fault.kind != KILL || fault.n != 0 || strcmp(fault.row, rows[row].name) != 0)
		return;
	snprintf(fault.hit, sizeof(fault.hit), "its beginning");
	strike(p, regs);
}

/* True: that SIGTRAP was one of our breakpoints. */
static bool breakpoint(struct proc *p)
{
	struct user_regs_struct regs;
	uint64_t at;

	if (p->image != OURS || ptrace(PTRACE_GETREGS, p->pid, 0, &regs) < 0)
		return false;
	regs.rip--;
	at = regs.rip - p->base;
	if (regs.rip == p->back) {
		poke(p->pid, p->back, false, p->back_code);
		p->back = 0;
		p->row = -1;
	} else if (at == main_at) {
		poke(p->pid, regs.rip, false, main_code[0]);
		if (!row_count)
			tables_read(p);
		rows_set(p);
	} else if (row_at(p, at) < 0) {
		return false;
	} else if (p->row >= 0) {
		/* A row of the other table that this one has for a part. */
		row_clear(p, at);
	} else {
		row_begins(p, row_at(p, at), &regs);
	}
	ptrace(PTRACE_SETREGS, p->pid, 0, &regs);
	return true;
}

static void let_go(struct proc *p, int signal)
{
	for (int i = 0; p->image == OURS && i < row_count; i++)
		row_clear(p, rows[i].run);
	if (p->image == OURS && p->back)
		poke(p->pid, p->back, false, p->back_code);
	ptrace(PTRACE_DETACH, p->pid, 0, signal);
	p->pid = 0;
}

static void go_on(struct proc *p, int signal)
{
	bool calls = p->row >= 0 || p->image == BEGINNING || p->in_call;

	if (ending)
		let_go(p, signal);
	/* Gone in between: its end is reported. */
	else
		ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, 0, signal);
}

static void born(const struct proc *parent)
{
	unsigned long pid;
	struct proc *child;
	bool stopped;

	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, 0, &pid) < 0)
		return;
	child = proc_get((pid_t)pid);
	stopped = child->stopped;
	*child = *parent;
	child->pid = (pid_t)pid;
	child->stopped = stopped;
	child->known = true;
	child->row = -1;
	/* Out of a clone, it is at the end of a call. The way back is its parent's. */
	child->in_call = false;
	child->inject = 0;
	if (stopped)
		go_on(child, 0);
}

static void syscall_stop(struct proc *p)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, p->pid, 0, &regs) < 0)
		return;
	/* The end of the execve that began it comes first. */
	if (p->image == BEGINNING && (long)regs.orig_rax == SYS_set_tid_address)
		image_begins(p);
	if ((long)regs.rax == -ENOSYS && !p->in_call)
		call_begins(p, &regs);
	else
		call_ends(p, &regs);
}

static void stop(struct proc *p, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (!p->known) {
		p->stopped = true;
		return;
	}
	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE)
		born(p);
	else if (event == PTRACE_EVENT_EXEC)
		*p = (struct proc){
			.pid = p->pid, .known = true, .image = BEGINNING, .table = -1, .row = -1
		};
	else if (signal == (SIGTRAP | 0x80))
		syscall_stop(p);
	else if (event == 0 && !(signal == SIGTRAP && breakpoint(p)))
		return go_on(p, signal);
	go_on(p, 0);
}

/* ---- */

static pid_t begin(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		raise(SIGSTOP);
		execvp(argv[0], argv);
		die("%s", argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid)
		die("start");
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0)
		die("trace");
	kill(pid, SIGCONT);
	proc_get(pid)->known = true;
	return pid;
}

static bool anybody(void)
{
	for (int i = 0; i < PROCS_MAX; i++)
		if (procs[i].pid)
			return true;
	return false;
}

static int watch(pid_t first)
{
	int result = -1;

	while (anybody()) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (over)
			die("no end within 20 s");
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			stop(proc_get(pid), status);
			continue;
		}
		proc_get(pid)->pid = 0;
		if (pid != first)
			continue;
		ending = true;
		result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		for (int i = 0; i < PROCS_MAX; i++)
			if (procs[i].pid)
				ptrace(PTRACE_INTERRUPT, procs[i].pid, 0, 0);
	}
	return result;
}

static void on_alarm(int signal)
{
	(void)signal;
	over = 1;
}

static char **fault_read(char **arg)
{
	if (arg[0] && !strcmp(arg[0], "list"))
		return arg + 1;
	if (!arg[0] || !arg[1] || !arg[2] || !arg[3])
		return NULL;
	fault.kind = strcmp(arg[0], "kill") ? FAIL : KILL;
	fault.row = arg[1];
	fault.n = atoi(arg[2]);
	fault.other = !strcmp(arg[3], "other");
	fault.code = atoi(arg[3]);
	return arg + 4;
}

int main(int argc, char **argv)
{
	static const char *const tables[] = { "create", "exec" };
	struct sigaction alarmed = { .sa_handler = on_alarm };
	char **command = argc > 4 ? fault_read(argv + 3) : NULL;
	FILE *out = argc > 4 ? fopen(argv[1], "we") : NULL;
	int result;

	if (!command || !command[0] || strcmp(command[0], "--") != 0 || !command[1] || !out) {
		fprintf(stderr, "rows OUT PROGRAM FAULT... -- COMMAND...\n");
		return 123;
	}
	symbols_read(argv[2]);
	sigaction(SIGALRM, &alarmed, NULL);
	alarm(20);
	result = watch(begin(command + 1));
	for (int i = 0; i < row_count; i++)
		fprintf(out, "row %s %s\t%s\t%s\n", tables[rows[i].table],
			rows[i].side == PARENT ? "parent" : "child", rows[i].name,
			rows[i].walked && !rows[i].calls[0] ? "-" : rows[i].calls);
	if (fault.hit[0])
		fprintf(out, "hit %s\n", fault.hit);
	return fclose(out) ? 123 : result;
}

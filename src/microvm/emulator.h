/*
 * A guest's processors and bus by software: QEMU, in a process of its own, in namespaces of its own, with nothing in
 * sight but its program and the guest's kernel. The guest's files, streams and whatever else is of the host's are
 * served by us (virtio_user.h).
 */
#ifndef CTR_MICROVM_EMULATOR_H
#define CTR_MICROVM_EMULATOR_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/disk.h"
#include "microvm/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the folder that is to be its root. What it needs of the host's programs is there, too. */
#define EMULATOR_KERNEL "/vmlinux"
#define EMULATOR_INITRD "/initramfs"

/* One processor's kind that a guest can be of. */
struct emulator_kind {
	const char *machine; /* as uname(2) has it */
	const char *program; /* a path */
	const char *package; /* Debian's, that has it */
	const char *board, *cpu;
	const char *
		cpu_nested; /* `cpu` hides what virtual machines of the guest's own take; NULL: it has none such */
	const char *append; /* the first words of the kernel's command line */
};

/* By the first bytes of a kernel, of which there may be too few. What we don't know is taken for x86_64. */
const struct emulator_kind *emulator_kind_of(const void *kernel, size_t len);

/* Is its program here, and can its guests have guests, if `nested`? -ENOENT with words that say what to install; -ENOTSUP. */
int emulator_check(const struct emulator_kind *kind, bool nested, struct err *err) MUST_CHECK;

/* What is passed to it, at these numbers. */
enum emulator_link { EMULATOR_CONSOLE, EMULATOR_FILES, EMULATOR_STREAMS, EMULATOR_LINKS };

struct emulator_options {
	const char *root; /* the folder, a mount of its own that we may write to */
	const char *append;
	uint64_t memory; /* bytes */
	unsigned int cpus;
	bool nested;
	const struct net_options *nets; /* their taps are its own to serve; rates are not kept */
	size_t net_count;
	const struct disk *disk; /* its fd is -1: there is none */
};

struct emulator {
	int pidfd;
	int words;                 /* what it says itself: a pipe */
	int links[EMULATOR_LINKS]; /* our ends of sockets: the console, devices (vhost-user); -1 */
};

#define EMULATOR_NONE                                                                  \
	{                                                                              \
		.pidfd = -1, .words = -1, .links = { [0 ... EMULATOR_LINKS - 1] = -1 } \
	}

/*
 * Start it, and take the folder out of our sight. It dies with the thread that calls. Nothing may be allocated by
 * other threads meanwhile. Needs CAP_SYS_ADMIN.
 */
int emulator_start(const struct emulator_options *opt, struct emulator *ret,
		   struct err *err) MUST_CHECK;

/* Kill it, if it runs, and wait. The exit status as waitpid(2) has it; -errno. */
int emulator_end(struct emulator *e);

void emulator_free(struct emulator *e);
CLEAN_DEFINE(emulator, struct emulator, emulator_free)

#endif

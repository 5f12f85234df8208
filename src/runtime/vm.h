/*
 * A container with a kernel of its own (--isolation vm): on the host it is a container whose payload is ctr-vm,
 * made by the same stages; what the user asked for is inside the guest, made by the same code there. So a spec is
 * split into two. With --isolation emulated that ctr-vm starts an emulator instead of a machine on KVM.
 */
#ifndef CTR_RUNTIME_VM_H
#define CTR_RUNTIME_VM_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "spec/spec.h"

#include <stdbool.h>

#define VM_LAUNCHER "ctr-vm"
#define VM_SOCKET \
	"guest" /* in the container's folder: where its launcher takes calls for the guest */

#define VM_REPORT_FILE "guest.report" /* there, too: wire/report.h */

#define VM_MEMORY_MIN (96ULL << 20) /* below it Debian's kernel has no room for a payload */
#define VM_LAUNCHER_BYTES \
	(32ULL << 20) /* of a memory limit: for the launcher and the kernel's account of it */
/* The same with an emulator. */
#define VM_EMULATOR_BYTES (192ULL << 20)

#define VM_KERNEL_FILE "vmlinux" /* microvm/prepare.h */
#define VM_INITRD_FILE "initramfs"

/* What is open for the launcher, by what it's told of it: see vm_args(). */
enum vm_fd {
	VM_EXE,
	VM_TEXT, /* what is to run, a document */
	VM_KVM,
	VM_KERNEL,
	VM_INITRD,
	VM_SNAPSHOT, /* instead of these two: the folder that the machine goes on from */
	VM_CALLS,    /* listens at VM_SOCKET */
	VM_LINK,     /* of exec: connected there */
	VM_NETWORK, /* vm_network_in()'s socket, once it is started; until then one without an end */
	VM_REPORT,  /* wire/report.h */
	VM_CONTROL, /* listens at VM_CONTROL_SOCKET, vm_control.h */
	VM_IMAGE,   /* the container's root, where that is a disk */
	VM_FDS,
};

struct vm {
	bool wanted, emulated;
	struct spec host;      /* the launcher's container */
	int fds[VM_FDS];       /* -1 */
	uint64_t memory_bytes; /* of the guest */
	unsigned int cpus;
	bool nested;
	char *kernel_args; /* NULL: none */
	const char *image; /* the file system in that disk, "ext4"; NULL: the root is a folder */
	bool image_readonly;
	char *copy; /* the hostname of a snapshot's copy; NULL: it is none */
};

#define VM_INIT                                     \
	{                                           \
		.fds = { [0 ... VM_FDS - 1] = -1 }, \
	}

void vm_free(struct vm *vm);
CLEAN_DEFINE(vm, struct vm, vm_free)

/*
 * Decide all of it and open what there is: ret->host is to be made in the place of `whole`. The kernel and the
 * guest's first files are in the cache then, but for one that goes on from a snapshot (opt->snapshot),
 * maybe as a copy, with this hostname (opt->copy). -ENOTSUP and the like name the key, or what the host lacks.
 */
struct create_options;
int vm_plan(const struct spec *whole, const struct create_options *opt, struct vm *ret,
	    struct err *err) MUST_CHECK;

/*
 * vm_image.c: is root.path an image, and no folder? `bundle`: where a relative one is, or NULL. And if so, open and
 * lock it for a guest: exclusively where it is written to. -EBUSY, -EINVAL with words.
 */
bool vm_root_is_image(const struct spec *whole, const char *bundle);
bool vm_image_writes(const struct spec *whole,
		     const char *bundle); /* and does the container write to it? */
int vm_image_open(const struct spec *whole, const char *bundle, struct vm *vm,
		  struct err *err) MUST_CHECK;

/* The same for one more process in a guest whose container's folder is `dir`. */
int vm_plan_exec(const struct spec_process *process, int dir, struct vm *ret,
		 struct err *err) MUST_CHECK;

/* Is a mount of this type made by the guest, where the host doesn't see it? */
bool vm_mounts_inside(const char *type);

/* The launcher's command line, with the numbers of its fds, which stay open over its exec from here on. */
void vm_args(const struct vm *vm, struct strv *ret);

/*
 * vm_network.c: for a container that is about to start, over `sock` (stages_start()). *ret: what it is to get, the
 * caller's; left alone where it is no micro-VM. And for one that has ended: what would outlive it.
 */
struct container;
int vm_network_in(const struct container *c, int sock, int *ret, struct err *err) MUST_CHECK;
int vm_network_out(const struct container *c, struct err *err) MUST_CHECK;

/*
 * vm_report.c: made for a launcher, the fd the caller's; and what it says to who believes no more than it must:
 * how many processes the guest's kernel has ended for want of memory, 0: none, and else in *ret, the caller's, what
 * is known of the last one; and when the process began (CLOCK_MONOTONIC), 0: not yet. False: no micro-VM's.
 */
struct state_oom;
int vm_report_make(int dir, int *ret, struct err *err) MUST_CHECK;
uint64_t vm_oom_kills(int dir, struct state_oom *ret);
bool vm_began_ns(int dir, uint64_t *ret);

/*
 * vm_split.c: both halves, the host's as vm->host. The guest's is the caller's to put. `more`: mounts of the launcher's
 * own, of which the process inside sees nothing; NULL: none.
 */
int vm_split(const struct spec *whole, struct json_object *more, struct vm *vm,
	     struct json_object **ret_guest, struct err *err) MUST_CHECK;

/*
 * vm_emulated.c: those of an emulator: what it is started from, at VM_EMULATOR, which the launcher takes out of its
 * sight again. `folder` has kernel and initramfs; `initrd` instead of that's, or NULL.
 */
#define VM_EMULATOR "/dev/.ctr-emulator"
struct json_object *vm_emulator_mounts(const struct spec *whole, const char *folder,
				       const char *initrd) MUST_CHECK;
/* A document of a process alone. */
struct json_object *vm_process(const struct spec_process *process) MUST_CHECK;

#endif

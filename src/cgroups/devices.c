/* Device rules in the kernel: their program loaded, attached, replaced. */
#include "cgroups/devices.h"

#include "base/fd.h"
#include "base/str.h"

#include <string.h>
#include <sys/syscall.h>

/* By this name we know our own program again. */
#define PROGRAM_NAME "ctr_devices"

#define LOG_ROOM (64u << 10)
#define ATTACHED_MAX 64

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The last lines of the verifier's log are those that say why. */
static const char *log_end(const char *log)
{
	size_t len = strlen(log);

	return len > 400 ? log + len - 400 : log;
}

static int load(const struct cgroup_devices *d, struct err *err)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE };
	CLEAN(free) char *log = NULL;
	int fd, code;

	attr.insns = (uintptr_t)d->insns;
	attr.insn_cnt = (uint32_t)d->count;
	attr.license = (uintptr_t) "none";
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		return fd;
	code = errno;
	if (code == EPERM)
		return err_set(
			err, EPERM,
			"linux.resources.devices: the kernel lets us load no eBPF program: it needs "
			"CAP_BPF or CAP_SYS_ADMIN in the initial user namespace, and on kernels "
			"before 5.11 a larger RLIMIT_MEMLOCK");
	/* Once more, for the reason. */
	log = xcalloc(1, LOG_ROOM);
	attr.log_level = 1;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = LOG_ROOM;
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		return fd;
	return err_set(err, code,
		       "linux.resources.devices: the kernel refuses the program of %zu "
		       "instructions: %s%s%s",
		       d->count, strerror(code), *log ? ": " : "", log_end(log));
}

/* The program with that id when it is ours: an fd; -ENOENT for another's. */
static int open_if_ours(uint32_t id)
{
	union bpf_attr attr = { .prog_id = id };
	struct bpf_prog_info info = { 0 };
	CLEAN(fd) int fd = (int)bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		return -errno;
	return str_eq(info.name, PROGRAM_NAME) ? take_fd(&fd) : -ENOENT;
}

/* Our program on this very group: an fd, or -ENOENT. */
static int find_attached(int cgroup_fd, struct err *err)
{
	uint32_t ids[ATTACHED_MAX];
	union bpf_attr attr = { .query = { .target_fd = (uint32_t)cgroup_fd,
					   .attach_type = BPF_CGROUP_DEVICE,
					   .prog_ids = (uintptr_t)ids,
					   .prog_cnt = ATTACHED_MAX } };
	uint32_t i;

	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		return err_sys(err, "linux.resources.devices: ask which programs are on the group");
	for (i = 0; i < attr.query.prog_cnt; i++) {
		int fd = open_if_ours(ids[i]);

		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

int cgroup_devices_attach(int cgroup_fd, const struct cgroup_devices *d, bool update,
			  struct err *err)
{
	union bpf_attr attr = { .target_fd = (uint32_t)cgroup_fd,
				.attach_type = BPF_CGROUP_DEVICE };
	CLEAN(fd) int old = update ? find_attached(cgroup_fd, err) : -ENOENT, new = -1;

	if (old < 0 && old != -ENOENT)
		return old;
	if (d->allow_all) {
		attr.attach_bpf_fd = (uint32_t)old;
		if (old >= 0 && bpf(BPF_PROG_DETACH, &attr) < 0)
			return err_sys(
				err, "linux.resources.devices: take the old program off the group");
		return 0;
	}
	new = load(d, err);
	if (new < 0)
		return new;
	attr.attach_bpf_fd = (uint32_t) new;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) == 0)
		return 0;
	return err_sys(err, "linux.resources.devices: put the program on the group%s",
		       errno == EPERM ? " (a group above may forbid programs below it)" : "");
}

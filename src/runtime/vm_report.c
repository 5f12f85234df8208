/* The page on which a micro-VM's launcher says what becomes of its guest: wire/report.h. */
#include "runtime/vm.h"

#include "base/fd.h"
#include "runtime/state.h"
#include "wire/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int vm_report_make(int dir, int *ret, struct err *err)
{
	CLEAN(fd) int fd = -1;

	/* Of a life before. */
	unlinkat(dir, VM_REPORT_FILE, 0);
	fd = openat(dir, VM_REPORT_FILE, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, WIRE_REPORT_BYTES) < 0)
		return err_sys(err, "make the file " VM_REPORT_FILE " of the container's folder");
	*ret = take_fd(&fd);
	return 0;
}

static bool report_read(int dir, struct wire_report *ret)
{
	CLEAN(fd) int fd = openat(dir, VM_REPORT_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fd_read_all(fd, ret, sizeof(*ret)) == sizeof(*ret);
}

uint64_t vm_oom_kills(int dir, struct state_oom *ret)
{
	struct wire_report r;

	if (!report_read(dir, &r) || r.oom_kills == 0)
		return 0;
	r.oom_name[sizeof(r.oom_name) - 1] = '\0';
	*ret = (struct state_oom){ .process = *r.oom_name ? xstrdup(r.oom_name) : NULL,
				   .pid = (pid_t)(r.oom_pid & INT32_MAX),
				   .limit_cgroup = xstrdup("/") };
	return r.oom_kills;
}

bool vm_began_ns(int dir, uint64_t *ret)
{
	struct wire_report r;

	if (!report_read(dir, &r))
		return false;
	*ret = r.began_ns;
	return true;
}

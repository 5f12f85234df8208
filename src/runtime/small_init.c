#include "runtime/small_init.h"

#include "base/cleanup.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

/* The Makefile says where the program is; a checker that only reads has no need of it. */
#ifndef INIT_BLOB
#define INIT_BLOB "/dev/null"
#endif

__asm__(".section .rodata\n"
	".globl small_init_bytes, small_init_end\n"
	"small_init_bytes:\n"
	".incbin \"" INIT_BLOB "\"\n"
	"small_init_end:\n"
	".previous\n");

extern const char small_init_bytes[], small_init_end[];

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int small_init_open(struct err *err)
{
	CLEAN(fd) int fd = memfd_create("ctr-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	int rc;

	/* Before Linux 6.3 every memfd could be executed and the flag was unknown. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ctr-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(err, "memfd for the small init (--init)");
	rc = fd_write_all(fd, small_init_bytes, (size_t)(small_init_end - small_init_bytes));
	if (rc < 0)
		return err_set(err, -rc, "write the small init (--init): %s", strerror(-rc));
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_sys(err, "seal the small init (--init)");
	return take_fd(&fd);
}

#include "microvm/kernel.h"

#include "base/file.h"
#include "base/str.h"
#include "microvm/given.h"
#include "microvm/kernel_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void kernel_free(struct kernel *kernel)
{
	free(kernel->data);
	*kernel = (struct kernel){ 0 };
}

/* What is a kernel, too, but none that we can start: "at" these bytes it shows. */
static const struct {
	size_t at;
	const char *bytes, *words;
} others[] = {
	{ 0, "\x1f\x8b",
	  "it is packed by gzip, as some have it for arm64: give what zcat makes of it" },
	{ 4, "zimg",
	  "it is an EFI program around a packed kernel (CONFIG_EFI_ZBOOT): unpack that" },
	{ KERNEL_ARM64_MAGIC_AT, KERNEL_ARM64_MAGIC,
	  "it is for arm64: ctr run --isolation emulated runs that" },
};

static int no_kernel(const struct kernel *k, const char *name, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		size_t len = strlen(others[i].bytes);

		if (k->len >= others[i].at + len &&
		    memcmp(k->data + others[i].at, others[i].bytes, len) == 0)
			return err_set(err, ENOTSUP, "%s can't be started as it is: %s", name,
				       others[i].words);
	}
	return err_set(err, ENOEXEC,
		       "%s is not a kernel: neither an ELF file for x86-64 (vmlinux) nor a "
		       "bzImage (vmlinuz) that carries one",
		       name);
}

int kernel_parse(char *data, size_t len, const char *name, struct kernel *ret, struct err *err)
{
	CLEAN(kernel) struct kernel k = { .data = data, .len = len };
	int rc;

	if (kernel_is_bzimage(k.data, k.len)) {
		char *unpacked = NULL;
		size_t size = 0;

		rc = kernel_unpack(k.data, k.len, name, &unpacked, &size, err);
		if (rc < 0)
			return rc;
		free(k.data);
		k.data = unpacked;
		k.len = size;
	}
	if (!kernel_is_elf(k.data, k.len))
		return no_kernel(&k, name, err);
	rc = kernel_read_elf(&k, name, err);
	if (rc < 0)
		return rc;
	*ret = k;
	k = (struct kernel){ 0 };
	return 0;
}

int kernel_parse_bzimage(char *data, size_t len, const char *name, struct kernel *ret,
			 struct err *err)
{
	CLEAN(kernel) struct kernel k = { .data = data, .len = len };
	int rc;

	if (!kernel_is_bzimage(k.data, k.len))
		return err_set(err, ENOEXEC, "%s is not a bzImage (vmlinuz): --boot bzimage", name);
	rc = kernel_read_bzimage(&k, name, err);
	if (rc < 0)
		return rc;
	*ret = k;
	k = (struct kernel){ 0 };
	return 0;
}

int kernel_read(const char *path, enum kernel_boot boot, struct kernel *ret, struct err *err)
{
	/* Not to wait for the other end of a FIFO. */
	CLEAN(fd) int fd = given_open(path, O_RDONLY | O_NONBLOCK);
	struct stat st;
	char *data = NULL;
	size_t len = 0;
	int rc;

	if (fd < 0)
		return err_sys(err, "open the kernel %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the kernel %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "the kernel %s is not a regular file", path);
	rc = file_read_fd(fd, path, KERNEL_FILE_MAX, &data, &len, err);
	if (rc < 0)
		return rc;
	return boot == KERNEL_BZIMAGE ? kernel_parse_bzimage(data, len, path, ret, err) :
					kernel_parse(data, len, path, ret, err);
}

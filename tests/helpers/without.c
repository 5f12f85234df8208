/*
 * without CALL[,CALL...] COMMAND...: execute COMMAND where these system calls are answered with ENOSYS, as
 * by a kernel that does not have them: to it and to all that comes of it, a container's init too.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A call that is newer than the library is named by its number. */
static int number_of(const char *name)
{
	int known = seccomp_syscall_resolve_name(name);

	return known == __NR_SCMP_ERROR ? atoi(name) : known;
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 3 || !filter) {
		fprintf(stderr, "without CALL[,CALL...] COMMAND...\n");
		return 125;
	}
	/* Whoever makes a container may get more rights by an exec than we have. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	for (char *name = strtok(argv[1], ","); name; name = strtok(NULL, ","))
		if (!number_of(name) ||
		    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number_of(name), 0) < 0) {
			fprintf(stderr, "without: no system call %s\n", name);
			return 125;
		}
	if (seccomp_load(filter) < 0) {
		perror("without: load the filter");
		return 125;
	}
	seccomp_release(filter);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 125;
}

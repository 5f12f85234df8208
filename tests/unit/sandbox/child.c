#include "child.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int child_run(int (*fn)(struct err *err), struct err *ret_err)
{
	struct err *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	assert(shared != MAP_FAILED);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0)
		_exit(fn(shared));
	assert(waitpid(pid, &status, 0) == pid);
	*ret_err = *shared;
	munmap(shared, sizeof(*shared));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

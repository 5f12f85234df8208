/*
 * --init=systemd: the container is a whole system, and process 1 boots it. What systemd asks of whoever
 * starts it is in its document "The Container Interface" and in "Control Group APIs and Delegation";
 * podman's systemd mode and LXC do the same.
 */
#include "ctr/run_make.h"

#include "base/path.h"
#include "runtime/vm.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* By this one systemd halts; SIGTERM would have it re-execute itself. */
#define STOP_SIGNAL "SIGRTMIN+3"
/* Services may need their time; as long as lxc-stop waits. */
#define STOP_SECONDS "60"

/* What the system says boots it, or systemd itself where no package made that link. */
static const char *const commands[] = {
	"/sbin/init",
	"/lib/systemd/systemd",
	"/usr/lib/systemd/systemd",
};

int boot_command(const struct run_made *m, struct strv *args, struct err *err)
{
	CLEAN(fd) int tree = -1;

	/* That it is there, only the guest can see. */
	if (vm_root_is_image(&m->spec, m->bundle)) {
		strv_add(args, commands[0]);
		return 0;
	}
	tree = run_tree_open(m, err);
	if (tree < 0)
		return tree;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		CLEAN(fd) int fd = path_open_in_root(tree, commands[i], O_PATH, 0, NULL);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
			continue;
		strv_add(args, commands[i]);
		return 0;
	}
	err_set(err, ENOENT,
		"--init=systemd: neither %s nor %s is in the root; install systemd-sysv there, or "
		"name the COMMAND that boots it",
		commands[0], commands[1]);
	err->exit_status = 127;
	return -ENOENT;
}

/* What systemd would mount and may not. It makes the rest of /run, and all that is in these. */
static const struct {
	char destination[20], options[32];
} mounts[] = {
	{ "/run", "nosuid,nodev,mode=755" },
	{ "/run/lock", "nosuid,nodev,noexec,mode=1777" },
	{ "/tmp", "nosuid,nodev,mode=1777" },
	{ "/var/log/journal", "nosuid,nodev,noexec,mode=755" },
};

static void boot_mounts(struct spec *spec)
{
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++)
		if (!mount_find(spec, mounts[i].destination))
			spec_add_mount(spec, mounts[i].destination, "tmpfs", "tmpfs",
				       mounts[i].options);
	/* Its own groups are below the container's, in a namespace that shows no other. */
	if (!mount_find(spec, "/sys/fs/cgroup"))
		spec_add_mount(spec, "/sys/fs/cgroup", "cgroup", "cgroup",
			       "nosuid,noexec,nodev,relatime");
	mount_make_writable(spec, "/sys/fs/cgroup");
}

/* Of the id, so that a system without a machine-id gets the same one at each start. */
static void boot_env(struct run_made *m)
{
	struct strv *env = &m->spec.process.env;

	if (!strv_env_get(env, "container"))
		strv_add(env, "container=ctr");
	if (!strv_env_get(env, "container_uuid"))
		strv_printf(env, "container_uuid=%.32s", m->id);
}

int run_boot(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct spec *spec = &m->spec;

	(void)err;
	if (f->init != INIT_SYSTEMD)
		return 0;
	/* Its console: where boot is told of, and where one logs in. */
	spec->process.terminal = true;
	if (!spec_annotation(spec, SPEC_ANNOTATION_STOP_SIGNAL))
		annotation_put(spec, SPEC_ANNOTATION_STOP_SIGNAL, STOP_SIGNAL);
	if (!spec_annotation(spec, ANNOTATION_STOP_TIMEOUT))
		annotation_put(spec, ANNOTATION_STOP_TIMEOUT, STOP_SECONDS);
	boot_env(m);
	boot_mounts(spec);
	return 0;
}

#include "microvm/emulator.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "base/sys.h"
#include "microvm/jail.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define FIRST_LINK 3
#define NETS_MAX 16
#define HEAD_BYTES 64
/*
 * All processors in one thread: with one for each, a kernel that patches running code dies now and then. Of what it
 * has translated 96 MiB are kept; its own default is a GiB.
 */
#define ACCEL "tcg,thread=single,tb-size=96"
#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

/* ---- its command line ---------------------------------------------------------------- */

/*
 * No devices but these, no file of its own settings, and a filter of system calls: it starts no program and gets no
 * more rights.
 */
static const char *const fixed[] = {
	"-nodefaults",
	"-no-user-config",
	"-display",
	"none",
	"-no-reboot",
	"-sandbox",
	"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
	"-accel",
	ACCEL,
	"-kernel",
	EMULATOR_KERNEL,
	"-initrd",
	EMULATOR_INITRD,
	"-device",
	"virtio-rng-pci",
};

/* A tap, which it gets behind the links. */
static void add_net(const struct net_options *net, size_t number, struct strv *ret)
{
	const uint8_t *m = net->mac;
	uint16_t mtu = net_tap_mtu(net->fd);

	strv_add(ret, "-netdev");
	strv_printf(ret, "tap,id=net%zu,vhost=off,fd=%zu", number,
		    FIRST_LINK + EMULATOR_LINKS + number);
	strv_add(ret, "-device");
	strv_printf(ret,
		    "virtio-net-pci,netdev=net%zu,mac=%02x:%02x:%02x:%02x:%02x:%02x,host_mtu=%u",
		    number, m[0], m[1], m[2], m[3], m[4], m[5], mtu);
}

static int disk_number(const struct emulator_options *opt)
{
	return FIRST_LINK + EMULATOR_LINKS + (int)opt->net_count;
}

/* Behind the taps, as a file of a set: QEMU opens nothing by a name. The lock is ours. */
static void add_disk(const struct emulator_options *opt, struct strv *ret)
{
	struct stat st;
	bool device = fstat(opt->disk->fd, &st) == 0 && S_ISBLK(st.st_mode);

	strv_add(ret, "-add-fd");
	strv_printf(ret, "fd=%d,set=1", disk_number(opt));
	strv_add(ret, "-blockdev");
	strv_printf(ret, "driver=%s,node-name=disk,filename=/dev/fdset/1,locking=off,read-only=%s",
		    device ? "host_device" : "file", opt->disk->readonly ? "on" : "off");
	strv_add(ret, "-device");
	strv_add(ret, "virtio-blk-pci,drive=disk");
}

static void arguments(const struct emulator_options *opt, const struct emulator_kind *kind,
		      struct strv *ret)
{
	unsigned long long mib = opt->memory >> 20;

	strv_add(ret, kind->program);
	strv_add(ret, "-machine");
	strv_printf(ret, "%s,memory-backend=memory", kind->board);
	strv_add(ret, "-cpu");
	strv_add(ret, opt->nested && kind->cpu_nested ? kind->cpu_nested : kind->cpu);
	strv_add(ret, "-smp");
	strv_printf(ret, "%u", opt->cpus);
	strv_add(ret, "-m");
	strv_printf(ret, "%lluM", mib);
	/* A file that we map as well: the queues and what is behind them are in it. */
	strv_add(ret, "-object");
	strv_printf(ret, "memory-backend-memfd,id=memory,size=%lluM,share=on,seal=on", mib);
	for (int i = 0; i < EMULATOR_LINKS; i++) {
		strv_add(ret, "-chardev");
		strv_printf(ret, "socket,id=link%d,fd=%d", i, FIRST_LINK + i);
	}
	for (size_t i = 0; i < opt->net_count; i++)
		add_net(&opt->nets[i], i, ret);
	if (opt->disk->fd >= 0)
		add_disk(opt, ret);
	strv_add(ret, "-serial");
	strv_printf(ret, "chardev:link%d", EMULATOR_CONSOLE);
	strv_add(ret, "-device");
	strv_printf(ret, "vhost-user-fs-pci,chardev=link%d,tag=" WIRE_SHARE, EMULATOR_FILES);
	strv_add(ret, "-device");
	strv_printf(ret, "vhost-user-vsock-pci,chardev=link%d", EMULATOR_STREAMS);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(ret, fixed[i]);
	strv_add(ret, "-append");
	strv_printf(ret, "%s %s", kind->append, opt->append ? opt->append : "");
}

/* ---- in the child ----------------------------------------------------------------------- */

struct child {
	const struct emulator_options *opt;
	char *const *argv;
	int links[EMULATOR_LINKS], taps[NETS_MAX], disk, words,
		said; /* `said`: a pipe for what went wrong */
};

/* The folder becomes all that there is, and can't be written to. */
static int enter(const char *root, struct err *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "take the emulator's mounts apart from ours");
	if (chdir(root) < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		return err_sys(err, "go to the emulator's root, %s", root);
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) <
	    0)
		return err_sys(err, "make the emulator's root read-only");
	return 0;
}

/* Links at their numbers, and nothing else open but what says how it went. All of ours are above. */
static int place_fds(const struct child *c, int null, struct err *err)
{
	if (dup2(null, 0) < 0 || dup2(c->words, 1) < 0 || dup2(c->words, 2) < 0)
		return err_sys(err, "give the emulator its standard streams");
	for (int i = 0; i < EMULATOR_LINKS; i++)
		if (dup2(c->links[i], FIRST_LINK + i) < 0)
			return err_sys(err, "give the emulator its sockets");
	for (size_t i = 0; i < c->opt->net_count; i++)
		if (dup2(c->taps[i], FIRST_LINK + EMULATOR_LINKS + (int)i) < 0)
			return err_sys(err, "give the emulator its taps");
	if (c->disk >= 0 && dup2(c->disk, disk_number(c->opt)) < 0)
		return err_sys(err, "give the emulator its disk");
	fd_cloexec_from(disk_number(c->opt) + (c->disk >= 0));
	return 0;
}

static int become(const struct child *c, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *const none[] = { NULL };
	sigset_t empty;
	int rc;

	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	if (null < 0)
		return err_sys(err, "open /dev/null");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, "PR_SET_PDEATHSIG");
	(void)setsid();
	rc = enter(c->opt->root, err);
	if (rc == 0)
		rc = jail_bare(err);
	if (rc == 0)
		rc = place_fds(c, null, err);
	if (rc < 0)
		return rc;
	execve(c->argv[0], c->argv, none);
	return err_sys(err, "start the emulator %s", c->argv[0]);
}

__attribute__((noreturn)) static void child(const struct child *c)
{
	struct err err = { 0 };

	(void)!become(c, &err);
	(void)!fd_write_all(c->said, &err, sizeof(err));
	_exit(127);
}

/* ---- in the parent ------------------------------------------------------------------------ */

static const struct emulator_kind *kind_of(const char *root, struct err *err)
{
	CLEAN(free) char *path = xasprintf("%s" EMULATOR_KERNEL, root);
	CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[HEAD_BYTES];
	ssize_t n = fd < 0 ? -errno : fd_read_all(fd, head, sizeof(head));

	if (n >= 0)
		return emulator_kind_of(head, (size_t)n);
	err_set(err, (int)-n, "read the guest's kernel: %s", strerror((int)-n));
	return NULL;
}

/* Fds of a number that none of the child's own has. */
static int copy_above(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_LINK + EMULATOR_LINKS + NETS_MAX + 1);
}

static int above(int fd)
{
	int moved = copy_above(fd);

	close(fd);
	return moved;
}

static int make_links(struct emulator *e, struct child *c, struct err *err)
{
	int ends[2];

	for (int i = 0; i < EMULATOR_LINKS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
			return err_sys(err, "make a socket for the emulator");
		e->links[i] = ends[0];
		c->links[i] = above(ends[1]);
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe for what the emulator says");
	e->words = ends[0];
	c->words = above(ends[1]);
	for (size_t i = 0; i < c->opt->net_count; i++)
		c->taps[i] = copy_above(c->opt->nets[i].fd);
	c->disk = c->opt->disk->fd < 0 ? -1 : copy_above(c->opt->disk->fd);
	(void)fcntl(e->words, F_SETFL, O_NONBLOCK);
	(void)fcntl(e->links[EMULATOR_CONSOLE], F_SETFL, O_NONBLOCK);
	return 0;
}

static void child_free(struct child *c)
{
	for (int i = 0; i < EMULATOR_LINKS; i++)
		drop_fd(&c->links[i]);
	for (int i = 0; i < NETS_MAX; i++)
		drop_fd(&c->taps[i]);
	drop_fd(&c->disk);
	drop_fd(&c->words);
	drop_fd(&c->said);
}
CLEAN_DEFINE(child, struct child, child_free)

static int start(struct emulator *e, struct child *c, struct err *err)
{
	struct err theirs = { 0 };
	int ends[2];
	CLEAN(fd) int hear = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	hear = ends[0];
	c->said = above(ends[1]);
	pid = process_clone(NAMESPACES, -1, &e->pidfd);
	if (pid == 0)
		child(c);
	if (pid < 0)
		return err_set(err, (int)-pid, "make a process for the emulator: %s",
			       strerror((int)-pid));
	drop_fd(&c->said);
	/* The pipe's end: it has become the emulator. */
	if (fd_read_all(hear, &theirs, sizeof(theirs)) == sizeof(theirs)) {
		*err = theirs;
		return -err->code;
	}
	return 0;
}

/* Where programs find their loader, as on the host. */
static void make_symlinks(const char *root)
{
	static const char *const folders[] = { "lib", "lib64" };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		CLEAN(free) char *path = xasprintf("%s/%s", root, folders[i]);
		CLEAN(free) char *to = xasprintf("usr/%s", folders[i]);

		/* It is there where the host has a folder of its own. */
		(void)!symlink(to, path);
	}
}

static int hide(const char *root, struct err *err)
{
	if (umount2(root, MNT_DETACH) < 0)
		return err_sys(err, "take the emulator's files out of the launcher's sight");
	(void)rmdir(root);
	return 0;
}

int emulator_start(const struct emulator_options *opt, struct emulator *ret, struct err *err)
{
	CLEAN(emulator) struct emulator e = EMULATOR_NONE;
	CLEAN(strv) struct strv argv = { 0 };
	CLEAN(child)
	struct child c = { .opt = opt,
			   .links = { [0 ... EMULATOR_LINKS - 1] = -1 },
			   .taps = { [0 ... NETS_MAX - 1] = -1 },
			   .disk = -1,
			   .words = -1,
			   .said = -1 };
	const struct emulator_kind *kind = kind_of(opt->root, err);
	int rc;

	if (!kind)
		return -err->code;
	if (opt->net_count > NETS_MAX)
		return err_set(err, E2BIG, "an emulated guest has up to %d networks", NETS_MAX);
	arguments(opt, kind, &argv);
	c.argv = argv.items;
	make_symlinks(opt->root);
	rc = make_links(&e, &c, err);
	if (rc == 0)
		rc = start(&e, &c, err);
	if (rc == 0)
		rc = hide(opt->root, err);
	if (rc < 0)
		return rc;
	*ret = e;
	e = (struct emulator)EMULATOR_NONE;
	return 0;
}

int emulator_end(struct emulator *e)
{
	int status = 0, rc;

	if (e->pidfd < 0)
		return -ECHILD;
	(void)!process_signal(e->pidfd, SIGKILL);
	rc = process_wait(e->pidfd, &status);
	drop_fd(&e->pidfd);
	return rc < 0 ? rc : status;
}

void emulator_free(struct emulator *e)
{
	(void)emulator_end(e);
	drop_fd(&e->words);
	for (int i = 0; i < EMULATOR_LINKS; i++)
		drop_fd(&e->links[i]);
}

#include "spec/load.h"

#include <linux/capability.h>
#include <string.h>

#define CAP(name) (1ULL << (CAP_##name))

const uint64_t spec_default_caps = CAP(AUDIT_WRITE) | CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) |
				   CAP(FSETID) | CAP(KILL) | CAP(MKNOD) | CAP(NET_BIND_SERVICE) |
				   CAP(NET_RAW) | CAP(SETFCAP) | CAP(SETGID) | CAP(SETPCAP) |
				   CAP(SETUID) | CAP(SYS_CHROOT);

/* Docker's, in docker's order: what is mounted below another comes after it. */
static const struct {
	char destination[16], type[8], source[8], options[64];
} default_mounts[] = {
	{ "/proc", "proc", "proc", "nosuid,noexec,nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts",
	  "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
};

/* What tells of the host, or lets a process act on it. Those that a kernel lacks are skipped. */
static const char masked_paths[][32] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
};

static const char readonly_paths[][24] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

#define ANY (-1)

/* Making a node is harmless where opening it is not allowed. */
static const struct {
	bool allow;
	char type;
	int major, minor;
	char access[4];
} device_rules[] = {
	{ false, 'a', ANY, ANY, "rwm" }, { true, 'c', ANY, ANY, "m" },
	{ true, 'b', ANY, ANY, "m" },    { true, 'c', 1, 3, "rwm" }, /* null */
	{ true, 'c', 1, 5, "rwm" },                                  /* zero */
	{ true, 'c', 1, 7, "rwm" },                                  /* full */
	{ true, 'c', 1, 8, "rwm" },                                  /* random */
	{ true, 'c', 1, 9, "rwm" },                                  /* urandom */
	{ true, 'c', 5, 0, "rwm" },                                  /* tty */
	{ true, 'c', 5, 1, "rwm" },                                  /* console */
	{ true, 'c', 5, 2, "rwm" },                                  /* ptmx */
	{ true, 'c', 136, ANY, "rwm" },                              /* pts/N */
};

static const enum spec_ns new_namespaces[] = {
	NS_MOUNT, NS_PID, NS_NETWORK, NS_IPC, NS_UTS, NS_CGROUP,
};

struct spec_mount *spec_add_mount(struct spec *spec, const char *destination, const char *type,
				  const char *source, const char *options)
{
	struct spec_mount *m = SPEC_ADD(&spec->mounts);

	m->destination = xstrdup(destination);
	m->type = type ? xstrdup(type) : NULL;
	m->source = source ? xstrdup(source) : NULL;
	if (options && *options)
		strv_split(&m->options, options, ',');
	return m;
}

static void add_device_rule(struct spec_resources *res, size_t row)
{
	struct spec_device_rule *r = SPEC_ADD(&res->devices);

	r->allow = device_rules[row].allow;
	r->type = device_rules[row].type;
	if (device_rules[row].major != ANY)
		r->major = (struct opt_i64){ true, device_rules[row].major };
	if (device_rules[row].minor != ANY)
		r->minor = (struct opt_i64){ true, device_rules[row].minor };
	r->read = strchr(device_rules[row].access, 'r');
	r->write = strchr(device_rules[row].access, 'w');
	r->mknod = strchr(device_rules[row].access, 'm');
}

static void default_devices(struct spec_resources *res)
{
	for (size_t i = 0; i < ARRAY_LEN(device_rules); i++)
		add_device_rule(res, i);
}

/* A rule that overrides all before it. */
static bool is_about_all(const struct spec_device_rule *r)
{
	return r->type == 'a' && !r->major.set && !r->minor.set && r->read && r->write && r->mknod;
}

void spec_allow_default_devices(struct spec_resources *res)
{
	size_t given = res->devices.count, at = given, added;
	CLEAN(free) struct spec_device_rule *later = NULL;

	while (at && !is_about_all(&res->devices.items[at - 1]))
		at--;
	later = xcalloc(given - at + 1, sizeof(*later));
	memcpy(later, res->devices.items + at, (given - at) * sizeof(*later));
	for (size_t i = 0; i < ARRAY_LEN(device_rules); i++)
		if (device_rules[i].allow)
			add_device_rule(res, i);
	added = res->devices.count - given;
	memmove(res->devices.items + at, res->devices.items + given,
		added * sizeof(*res->devices.items));
	memcpy(res->devices.items + at + added, later, (given - at) * sizeof(*later));
}

static void default_process(struct spec_process *p)
{
	p->cwd = xstrdup("/");
	strv_add(&p->args, "sh");
	strv_add(&p->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	p->caps = (struct spec_caps){
		.set = true,
		.bounding = spec_default_caps,
		.effective = spec_default_caps,
		.permitted = spec_default_caps,
	};
}

void spec_default(struct spec *ret)
{
	ret->oci_version = xstrdup(SPEC_OCI_VERSION);
	ret->root_path = xstrdup("rootfs");
	ret->has_process = true;
	default_process(&ret->process);
	for (size_t i = 0; i < ARRAY_LEN(default_mounts); i++)
		spec_add_mount(ret, default_mounts[i].destination, default_mounts[i].type,
			       default_mounts[i].source, default_mounts[i].options);
	strv_add(&ret->annotations, SPEC_ANNOTATION_SECCOMP "=default");
	for (size_t i = 0; i < ARRAY_LEN(new_namespaces); i++)
		ret->lin.namespaces[new_namespaces[i]].wanted = true;
	for (size_t i = 0; i < ARRAY_LEN(masked_paths); i++)
		strv_add(&ret->lin.masked_paths, masked_paths[i]);
	for (size_t i = 0; i < ARRAY_LEN(readonly_paths); i++)
		strv_add(&ret->lin.readonly_paths, readonly_paths[i]);
	default_devices(&ret->lin.resources);
}

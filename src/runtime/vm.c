#include "runtime/vm.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/spawn.h"
#include "runtime/container.h"
#include "runtime/rootless.h"
#include "runtime/userns.h"
#include "spec/load.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CACHE "/var/cache/ctr/vm"
#define MEMORY_DEFAULT (512ULL << 20)
#define PREPARE_MS 120000

void vm_free(struct vm *vm)
{
	for (size_t i = 0; i < VM_FDS; i++)
		clean_fd(&vm->fds[i]);
	spec_free(&vm->host);
	free(vm->kernel_args);
	free(vm->copy);
	*vm = (struct vm)VM_INIT;
}

/* ---- what can't be had ----------------------------------------------------------------------------- */

static int refuse(const struct spec *s, struct err *err)
{
	static const char why[] = "a container in a micro-VM (--isolation vm) ";

	if (s->lin.devices.count)
		return err_set(err, ENOTSUP, "linux.devices: %shas devices of its own only", why);
	if (s->lin.net_devices.count)
		return err_set(err, ENOTSUP, "linux.netDevices: %scan't have interfaces moved in",
			       why);
	if (s->lin.seccomp.listener_path)
		return err_set(err, ENOTSUP,
			       "linux.seccomp.listenerPath: %scan't hand a notify fd out", why);
	if (!s->lin.namespaces[NS_MOUNT].wanted)
		return err_set(err, ENOTSUP, "linux.namespaces: %sneeds a mount namespace", why);
	if (s->lin.namespaces[NS_MOUNT].path)
		return err_set(err, ENOTSUP, "linux.namespaces: %scan't join a mount namespace",
			       why);
	if (!s->lin.namespaces[NS_NETWORK].wanted)
		return err_set(
			err, ENOTSUP,
			"linux.namespaces: %scan't be in the host's network; give it a network "
			"namespace",
			why);
	if (s->vm.kernel_path && access(s->vm.kernel_path, R_OK) < 0)
		return err_sys(err, "vm.kernel.path: %s", s->vm.kernel_path);
	if (s->process.args.count == 0 && s->has_process)
		return err_set(err, EINVAL, "process.args: is missing; what is to be run?");
	return 0;
}

/* ---- its size --------------------------------------------------------------------------------------- */

static int plan_memory(const struct spec *s, struct vm *vm, struct err *err)
{
	const struct opt_i64 *limit = &s->lin.resources.memory.limit;
	uint64_t own = vm->emulated ? VM_EMULATOR_BYTES : VM_LAUNCHER_BYTES;

	vm->memory_bytes = s->vm.memory.set ? s->vm.memory.value : MEMORY_DEFAULT;
	/* A limit is for all that it costs the host. */
	if (!s->vm.memory.set && limit->set && limit->value > 0)
		vm->memory_bytes = (uint64_t)limit->value < own ? 0 : (uint64_t)limit->value - own;
	vm->memory_bytes &= ~((1ULL << 20) - 1);
	if (vm->memory_bytes < VM_MEMORY_MIN)
		return err_set(
			err, EINVAL,
			"%s: a micro-VM's guest has at least %llu MiB, and its launcher %llu more",
			s->vm.memory.set ? "vm.hwConfig.memory" : "linux.resources.memory.limit",
			VM_MEMORY_MIN >> 20, (unsigned long long)(own >> 20));
	return 0;
}

static void plan_cpus(const struct spec *s, struct vm *vm)
{
	const struct opt_i64 *quota = &s->lin.resources.cpu.quota_us;
	uint64_t period =
		s->lin.resources.cpu.period_us.set ? s->lin.resources.cpu.period_us.value : 100000;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t count = 1;

	if (s->vm.vcpus.set)
		count = s->vm.vcpus.value;
	else if (quota->set && quota->value > 0 && period)
		count = ((uint64_t)quota->value + period - 1) / period;
	if (!s->vm.vcpus.set && online > 0 && count > (uint64_t)online)
		count = (uint64_t)online;
	vm->cpus = count > 32 ? 32 : (unsigned int)count;
}

static void plan_args(const struct spec *s, struct vm *vm)
{
	CLEAN(str) struct str args = { 0 };

	str_add(&args, "quiet");
	for (size_t i = 0; i < s->vm.kernel_parameters.count; i++)
		str_printf(&args, " %s", s->vm.kernel_parameters.items[i]);
	vm->kernel_args = take_ptr(args.text);
}

/* ---- its files ----------------------------------------------------------------------------------------- */

static int cache_path(char **ret, struct err *err)
{
	if (rootless())
		return rootless_cache("ctr/vm", ret, err);
	*ret = xstrdup(CACHE);
	return 0;
}

static void prepare_args(const struct spec *s, const char *cache, const char *module,
			 struct strv *ret)
{
	strv_add(ret, VM_LAUNCHER);
	strv_add(ret, "--prepare");
	strv_add(ret, cache);
	strv_printf(ret, "--for=%s", spec_wants_emulated(s) ? "emulated" : "vm");
	if (s->vm.kernel_path)
		strv_printf(ret, "--kernel=%s", s->vm.kernel_path);
	if (s->vm.nested)
		strv_add(ret, "--nested");
	if (module)
		strv_printf(ret, "--module=%s", module);
}

/* ctr-vm --prepare: *ret is the folder. `module`: what the guest needs beside the usual, or NULL. */
static int prepare(const struct spec *s, const char *module, char **ret, struct err *err)
{
	CLEAN(free) char *cache = NULL;
	int rc = cache_path(&cache, err);
	CLEAN(fd) int exe = helper_open(VM_LAUNCHER, err);
	CLEAN(free) char *path = xasprintf("/proc/self/fd/%d", exe);
	CLEAN(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEAN(strv) struct strv argv = { 0 };
	struct spawn job = {
		.path = path, .in = null, .catch_output = true, .timeout_ms = PREPARE_MS
	};
	CLEAN(str) struct str words = { 0 };
	int status = 0;

	if (rc < 0 || exe < 0)
		return rc < 0 ? rc : exe;
	prepare_args(s, cache, module, &argv);
	job.argv = argv.items;
	rc = spawn_wait(&job, &words, &status);
	if (rc < 0)
		return err_set(err, -rc, "prepare a kernel for the micro-VM (" VM_LAUNCHER "): %s",
			       strerror(-rc));
	if (status != 0)
		return err_set(err, ENOENT, "prepare a kernel for the micro-VM: %s",
			       words.text ? words.text : "ctr-vm failed");
	*ret = take_ptr(words.text);
	return 0;
}

static int open_in(const char *folder, const char *name, int *ret, struct err *err)
{
	CLEAN(free) char *path = folder ? xasprintf("%s/%s", folder, name) : xstrdup(name);

	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, "open %s for the micro-VM", path) : 0;
}

static int open_kvm(struct vm *vm, struct err *err)
{
	vm->fds[VM_KVM] = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->fds[VM_KVM] < 0)
		return err_sys(err, "--isolation vm needs KVM: open /dev/kvm");
	return 0;
}

static int text_make(struct json_object *document, int *ret, struct err *err)
{
	size_t len;
	const char *text =
		json_object_to_json_string_length(document, JSON_C_TO_STRING_PLAIN, &len);
	int rc;

	*ret = memfd_create("guest", MFD_CLOEXEC);
	if (*ret < 0)
		return err_sys(err, "memfd for what the guest is to run");
	rc = fd_write_all(*ret, text, len);
	if (rc < 0)
		return err_set(err, -rc, "write what the guest is to run: %s", strerror(-rc));
	return lseek(*ret, 0, SEEK_SET) < 0 ? err_sys(err, "lseek") : 0;
}

/* Its place among the fds; start puts the real one there, or the launcher finds the end of a stream. */
static int network_place(struct vm *vm, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "make a socket");
	close(ends[1]);
	vm->fds[VM_NETWORK] = ends[0];
	return 0;
}

/*
 * Where the container has no user namespace, its launcher has one all the same, in which each id is itself: files
 * belong to whom the guest says, and over nothing else of the host's its rights count for anything.
 */
static int users(struct spec *host, struct err *err)
{
	struct spec_linux *lin = &host->lin;

	if (lin->namespaces[NS_USER].wanted)
		return 0;
	lin->namespaces[NS_USER].wanted = true;
	return userns_same_ids(&lin->uid_maps, &lin->gid_maps, err);
}

static int launcher_open(struct vm *vm, struct err *err)
{
	vm->fds[VM_EXE] = helper_open(VM_LAUNCHER, err);
	return vm->fds[VM_EXE] < 0 ? vm->fds[VM_EXE] : 0;
}

static int open_snapshot(const char *path, struct vm *vm, struct err *err)
{
	vm->fds[VM_SNAPSHOT] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return vm->fds[VM_SNAPSHOT] < 0 ? err_sys(err, "open the checkpoint %s", path) : 0;
}

static int open_files(const struct spec *whole, const char *folder, struct vm *vm, struct err *err)
{
	const char *initrd = whole->vm.kernel_initrd;
	int rc = open_kvm(vm, err);

	if (rc == 0 && !folder)
		return 0;
	if (rc == 0)
		rc = open_in(folder, VM_KERNEL_FILE, &vm->fds[VM_KERNEL], err);
	return rc < 0 ? rc :
			open_in(initrd ? NULL : folder, initrd ? initrd : VM_INITRD_FILE,
				&vm->fds[VM_INITRD], err);
}

int vm_plan(const struct spec *whole, const struct create_options *opt, struct vm *ret,
	    struct err *err)
{
	CLEAN(json) struct json_object *guest = NULL;
	CLEAN(json) struct json_object *mounts = NULL;
	CLEAN(free) char *folder = NULL;
	int rc = refuse(whole, err);

	ret->wanted = true;
	ret->emulated = spec_wants_emulated(whole);
	ret->copy = opt->copy ? xstrdup(opt->copy) : NULL;
	ret->nested = whole->vm.nested;
	if (rc == 0)
		rc = plan_memory(whole, ret, err);
	plan_cpus(whole, ret);
	plan_args(whole, ret);
	if (rc == 0)
		rc = vm_image_open(whole, opt->bundle, ret, err);
	if (rc == 0)
		rc = opt->snapshot ? open_snapshot(opt->snapshot, ret, err) :
				     prepare(whole, ret->image, &folder, err);
	if (rc == 0 && ret->emulated)
		mounts = vm_emulator_mounts(whole, folder, whole->vm.kernel_initrd);
	if (rc == 0 && !ret->emulated)
		rc = open_files(whole, folder, ret, err);
	if (rc == 0)
		rc = vm_split(whole, mounts, ret, &guest, err);
	if (rc == 0)
		rc = users(&ret->host, err);
	if (rc == 0)
		rc = launcher_open(ret, err);
	if (rc == 0)
		rc = network_place(ret, err);
	return rc < 0 ? rc : text_make(guest, &ret->fds[VM_TEXT], err);
}

int vm_plan_exec(const struct spec_process *process, int dir, struct vm *ret, struct err *err)
{
	CLEAN(json) struct json_object *document = vm_process(process);
	int rc = launcher_open(ret, err);

	ret->wanted = true;
	if (rc < 0)
		return rc;
	ret->fds[VM_LINK] = fd_connect_at(dir, VM_SOCKET, SOCK_STREAM);
	if (ret->fds[VM_LINK] < 0)
		return err_sys(err, "call the container's launcher");
	return text_make(document, &ret->fds[VM_TEXT], err);
}

/* ---- its command line ------------------------------------------------------------------------------------ */

void vm_args(const struct vm *vm, struct strv *ret)
{
	static const char *const flags[VM_FDS] = {
		[VM_TEXT] = "--payload",     [VM_KVM] = "--kvm",       [VM_KERNEL] = "--kernel",
		[VM_INITRD] = "--initrd",    [VM_CALLS] = "--vsock",   [VM_LINK] = "--exec",
		[VM_NETWORK] = "--network",  [VM_REPORT] = "--report", [VM_CONTROL] = "--control",
		[VM_SNAPSHOT] = "--restore",
	};

	strv_add(ret, VM_LAUNCHER);
	for (size_t i = 0; i < VM_FDS; i++) {
		if (!flags[i] || vm->fds[i] < 0)
			continue;
		strv_add(ret, flags[i]);
		strv_printf(ret, "fd:%d", vm->fds[i]);
		(void)fcntl(vm->fds[i], F_SETFD, 0);
	}
	if (vm->fds[VM_LINK] >= 0)
		return;
	if (vm->image) {
		strv_printf(ret, "--disk=fd:%d%s", vm->fds[VM_IMAGE],
			    vm->image_readonly ? ",readonly" : "");
		(void)fcntl(vm->fds[VM_IMAGE], F_SETFD, 0);
	}
	/* The snapshot's machine has all of these. */
	if (vm->fds[VM_SNAPSHOT] < 0) {
		strv_printf(ret, "--memory=%llu", (unsigned long long)vm->memory_bytes);
		strv_printf(ret, "--cpus=%u", vm->cpus);
		strv_printf(ret, "--kernel-args=%s", vm->kernel_args);
		if (vm->nested)
			strv_add(ret, "--nested");
	}
	if (vm->copy)
		strv_printf(ret, "--copy=%s", vm->copy);
	/* Its processes are killed, not the launcher, when a limit that was lowered is too low for them. */
	strv_add(ret, vm->emulated ? "--emulator=" VM_EMULATOR : "--balloon=0,firm");
	strv_add(ret, "--share=" WIRE_SHARE "=/");
}

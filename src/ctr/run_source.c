/* Where the file tree comes from: SOURCE, --rootfs or --bundle; and what the container is called. */
#include "ctr/run_make.h"

#include "base/process.h"
#include "rootfs/source.h"
#include "runtime/rootless.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int source_host(struct run_made *m, struct err *err)
{
	(void)err;
	free(m->spec.root_path);
	m->spec.root_path = xstrdup("/");
	annotation_put(&m->spec, SPEC_ANNOTATION_ROOTFS, "host");
	return 0;
}

static int source_busybox_tree(struct run_made *m, struct err *err)
{
	CLEAN(free) char *cache = NULL;
	char *path = NULL;
	int r = 0;

	/* Root's would belong to nobody in an ordinary user's container: nothing in it could change. */
	if (rootless())
		r = rootless_cache("ctr/busybox", &cache, err);
	if (r == 0)
		r = source_busybox(cache, &path, err);
	if (r < 0)
		return r;
	free(m->spec.root_path);
	m->spec.root_path = path;
	annotation_put(&m->spec, SPEC_ANNOTATION_ROOTFS, "overlay");
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct run_made *m, struct err *err);
} built_in[] = {
	{ "host", source_host },
	{ "busybox", source_busybox_tree },
};

static int take_built_in(struct run_made *m, const char *name, struct err *err)
{
	struct opt_guess guess = { .word = name, .distance = 4 };

	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		if (str_eq(name, built_in[i].name)) {
			m->built_in = true;
			m->source = xstrdup(name);
			return built_in[i].take(m, err);
		}
		opt_guess_add(&guess, built_in[i].name);
	}
	if (strchr(name, '/') && access(name, F_OK) == 0)
		return err_set(err, EINVAL,
			       "SOURCE is host or busybox; for the folder use --rootfs %s", name);
	if (guess.best)
		return err_set(err, ENOENT, "no source \"%s\"; did you mean %s?", name, guess.best);
	return err_set(err, ENOENT,
		       "no source \"%s\": host and busybox are built in; a folder is given by "
		       "--rootfs DIR, an OCI bundle by --bundle DIR; images come later",
		       name);
}

static int take_rootfs(struct run_made *m, const char *given, struct err *err)
{
	CLEAN(free) char *path = path_absolute(given);
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, "--rootfs %s", given);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, ENOTDIR, "--rootfs %s: neither a folder nor an image", given);
	free(m->spec.root_path);
	m->spec.root_path = take_ptr(path);
	m->source = xstrdup(m->spec.root_path);
	return 0;
}

static int take_bundle(struct run_made *m, const char *dir, struct err *err)
{
	CLEAN(fd) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "--bundle %s", dir);
	m->from_bundle = true;
	m->bundle = path_absolute(dir);
	m->source = xstrdup(m->bundle);
	m->opt.bundle = m->bundle;
	return spec_load(fd, "config.json", &m->spec, m->warnings, err);
}

int run_source(const struct run_flags *f, struct run_made *m, char ***operands, struct err *err)
{
	int r;

	if (f->rootfs && f->bundle)
		return err_set(err, EINVAL,
			       "--rootfs and --bundle: a bundle names its own root; "
			       "give one of them");
	if (f->bundle) {
		r = take_bundle(m, f->bundle, err);
	} else {
		spec_default(&m->spec);
		if (f->rootfs)
			r = take_rootfs(m, f->rootfs, err);
		else if (**operands)
			r = take_built_in(m, *(*operands)++, err);
		else
			r = err_set(err, EINVAL,
				    "no SOURCE: host, busybox, --rootfs DIR or "
				    "--bundle DIR");
	}
	if (r < 0)
		return r;
	/* `ctr run host -- ls`: the flags are over anyway, and a payload has no use for it. */
	if (str_eq(**operands, "--"))
		(*operands)++;
	if (f->overlay && !spec_annotation(&m->spec, SPEC_ANNOTATION_ROOTFS))
		annotation_put(&m->spec, SPEC_ANNOTATION_ROOTFS, "overlay");
	if (f->read_only)
		m->spec.root_readonly = true;
	m->opt.source = m->source;
	return 0;
}

static int identity_stop(const struct run_flags *f, struct run_made *m, struct err *err)
{
	int signal;

	if (f->stop_signal) {
		signal = process_signal_from_name(f->stop_signal);
		if (signal < 0)
			return err_set(err, EINVAL, "--stop-signal: no signal \"%s\"",
				       f->stop_signal);
		annotation_put(&m->spec, SPEC_ANNOTATION_STOP_SIGNAL, process_signal_name(signal));
	}
	if (f->stop_timeout.set) {
		CLEAN(free) char *seconds = xasprintf("%lld", (long long)f->stop_timeout.value);

		annotation_put(&m->spec, ANNOTATION_STOP_TIMEOUT, seconds);
	}
	return 0;
}

static int kernel_file(const char *flag, const char *path, char **ret, struct err *err)
{
	if (!path)
		return 0;
	if (access(path, R_OK) < 0)
		return err_sys(err, "--%s %s", flag, path);
	*ret = path_absolute(path);
	return 0;
}

/* The runtime specification's vm object: all that is said of a kernel stands beside its path. */
static int own_kernel(const struct run_flags *f, struct run_made *m, struct err *err)
{
	const struct {
		const char *flag;
		bool given, beside_kernel;
	} rows[] = {
		{ "kernel", f->kernel, false },
		{ "nested", f->nested, false },
		{ "kernel-args", f->kernel_args, true },
		{ "initrd", f->initrd, true },
	};
	struct spec_vm *vm = &m->spec.vm;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].given && !run_wants_kernel(f))
			return err_set(err, EINVAL, "--%s: goes with --isolation vm or emulated",
				       rows[i].flag);
		if (rows[i].given && rows[i].beside_kernel && !f->kernel)
			return err_set(err, EINVAL, "--%s: goes with --kernel", rows[i].flag);
		m->spec.has_vm |= rows[i].given;
	}
	vm->nested = f->nested;
	if (f->kernel_args)
		strv_add(&vm->kernel_parameters, f->kernel_args);
	rc = kernel_file("kernel", f->kernel, &vm->kernel_path, err);
	return rc < 0 ? rc : kernel_file("initrd", f->initrd, &vm->kernel_initrd, err);
}

int run_identity(const struct run_flags *f, struct run_made *m, struct err *err)
{
	int r;

	container_id_make(m->id);
	m->name = f->name ? xstrdup(f->name) : xstrndup(m->id, 12);
	r = state_name_check(m->name, err);
	if (r < 0)
		return err_wrap(err, "--name: ");
	m->opt.name = m->name;
	m->opt.id = m->id;
	m->opt.auto_remove = f->rm;
	if (f->p.pid_file) {
		m->pid_file = path_absolute(f->p.pid_file);
		m->opt.pid_file = m->pid_file;
	}
	m->opt.preserve_fds = (unsigned int)f->p.preserve_fds.value;
	m->opt.console_socket = f->console_socket;
	if (f->isolation && !str_eq(f->isolation, "process") && !run_wants_kernel(f))
		return err_set(err, EINVAL, "--isolation %s: process, vm and emulated are there",
			       f->isolation);
	if (f->isolation)
		annotation_put(&m->spec, SPEC_ANNOTATION_ISOLATION, f->isolation);
	r = own_kernel(f, m, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f->annotation.count; i++) {
		CLEAN(free) char *key = xstrdup(f->annotation.items[i]);
		char *eq = strchr(key, '=');

		r = want_assignment("annotation", key, err);
		if (r < 0 || !eq)
			return r;
		*eq = '\0';
		annotation_put(&m->spec, key, eq + 1);
	}
	if (f->init)
		annotation_put(&m->spec, SPEC_ANNOTATION_INIT,
			       f->init == INIT_SYSTEMD ? "systemd" : "true");
	return identity_stop(f, m, err);
}

#include "runtime/criu_terms.h"

#include "base/fd.h"
#include "base/file.h"
#include "runtime/mountinfo.h"
#include "runtime/rootless.h"
#include "spec/load.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* criu's most words but for those of its developers, as runc has it. */
#define LOG_LEVEL 4

#define CONFIG_ANNOTATION "org.criu.config"
#define CONFIG_FILE "/etc/criu/runc.conf"

void checkpoint_options_free(struct checkpoint_options *o)
{
	strv_free(&o->empty_ns);
}

/* ---- folders ------------------------------------------------------------------------- */

void images_close(struct images *i)
{
	free(i->path);
	free(i->log_folder);
	clean_fd(&i->dir);
	clean_fd(&i->work);
	*i = IMAGES_INIT;
}

static int folder_open(const char *flag, const char *path, bool make, char **ret_path,
		       struct err *err)
{
	CLEAN(fd) int fd = -1;
	char real[PATH_MAX];
	int rc = make ? file_mkdir_p(path, 0700, err) : 0;

	if (rc < 0)
		return err_wrap(err, "--%s: ", flag);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "--%s: open the folder %s", flag, path);
	rc = fd_path(fd, real, sizeof(real), err);
	if (rc < 0)
		return rc;
	*ret_path = xstrdup(real);
	return take_fd(&fd);
}

int images_open(const struct checkpoint_options *opt, bool make, struct images *ret,
		struct err *err)
{
	const char *path = opt->image_path ? opt->image_path : CHECKPOINT_FOLDER;

	*ret = IMAGES_INIT;
	ret->dir = folder_open("image-path", path, make, &ret->path, err);
	if (ret->dir < 0)
		return ret->dir;
	if (!opt->work_path) {
		ret->log_folder = xstrdup(ret->path);
		return 0;
	}
	ret->work = folder_open("work-path", opt->work_path, true, &ret->log_folder, err);
	return ret->work < 0 ? ret->work : 0;
}

int checkpoint_image_read(const struct checkpoint_options *opt, struct spec *ret_spec,
			  struct state *ret_state, struct strv *warnings, struct err *err)
{
	struct checkpoint_options here = { .image_path = opt->image_path };
	CLEAN(images) struct images images = IMAGES_INIT;
	int rc = images_open(&here, false, &images, err);

	if (rc == 0)
		rc = spec_load(images.dir, "config.json", ret_spec, warnings, err);
	if (rc == 0)
		rc = state_read(images.dir, "image", ret_state, err);
	return rc < 0 ? err_wrap(err, "the checkpoint in %s: ",
				 images.path ? images.path : CHECKPOINT_FOLDER) :
			0;
}

/* ---- criu ---------------------------------------------------------------------------- */

/* Are all ids of the machine ours? criu needs its real root, and a container's root is none. */
static bool is_machine_root(void)
{
	CLEAN(free) char *map = NULL;
	uint64_t inside, outside, count;
	struct err ignored;

	if (geteuid() != 0 ||
	    file_read(AT_FDCWD, "/proc/self/uid_map", 4096, &map, NULL, &ignored) < 0)
		return false;
	return line_number(map, 0, 10, &inside) && line_number(map, 1, 10, &outside) &&
	       line_number(map, 2, 10, &count) && !inside && !outside && count >= UINT32_MAX;
}

int criu_ready(const struct checkpoint_options *opt, char **ret, struct err *err)
{
	bool lsm = opt->lsm_profile || opt->lsm_mount_context;
	int need = lsm ? CRIU_VERSION_LSM : CRIU_VERSION_MIN, version;
	CLEAN(free) char *program = NULL;

	if (rootless() || !is_machine_root())
		return err_set(err, EPERM, "criu needs the machine's root: run this as root");
	version = criu_find(&program, err);
	if (version == 0)
		version = criu_version(program, err);
	if (version < 0)
		return version;
	if (version < need)
		return err_set(err, ENOTSUP, "%s is version %d.%d; at least %d.%d is needed%s",
			       program, version / 10000, version / 100 % 100, need / 10000,
			       need / 100 % 100, lsm ? " for --lsm-profile" : "");
	*ret = take_ptr(program);
	return 0;
}

static const struct {
	const char *word;
	enum criu_cgroups mode;
} cgroups_modes[] = {
	{ "soft", CRIU_CGROUPS_SOFT },
	{ "full", CRIU_CGROUPS_FULL },
	{ "strict", CRIU_CGROUPS_STRICT },
	{ "ignore", CRIU_CGROUPS_IGNORE },
};

static int cgroups_mode(const char *word, enum criu_cgroups *ret, struct err *err)
{
	*ret = CRIU_CGROUPS_SOFT;
	for (size_t i = 0; word && *word && i < ARRAY_LEN(cgroups_modes); i++) {
		if (str_eq(word, cgroups_modes[i].word)) {
			*ret = cgroups_modes[i].mode;
			return 0;
		}
	}
	return word && *word ?
		       err_set(err, EINVAL,
			       "--manage-cgroups-mode: \"%s\" is none of soft, full, strict, "
			       "ignore",
			       word) :
		       0;
}

/* "ADDRESS:PORT"; an IPv6 address may stand in brackets. */
static int page_server(const char *text, struct criu_options *o, struct err *err)
{
	const char *colon = strrchr(text, ':');
	uint64_t port = 0;
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (!len || str_to_u64(colon + 1, 1, 65535, &port) < 0)
		return err_set(err, EINVAL, "--page-server: \"%s\" is not ADDRESS:PORT", text);
	o->page_server_port = (int)port;
	if (*text == '[' && len > 2 && colon[-1] == ']')
		o->page_server = xstrndup(text + 1, len - 2);
	else
		o->page_server = xstrndup(text, len);
	return 0;
}

static int empty_ns_check(const struct strv *names, struct err *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (!str_eq(names->items[i], "network"))
			return err_set(err, EINVAL,
				       "--empty-ns: \"%s\" is not supported, only network",
				       names->items[i]);
	return 0;
}

int criu_terms(const struct checkpoint_options *opt, const struct images *images,
	       const struct spec *spec, const char *log_file, struct criu_options *o,
	       struct err *err)
{
	const char *config = spec_annotation(spec, CONFIG_ANNOTATION);
	int rc = cgroups_mode(opt->cgroups_mode, &o->cgroups, err);

	if (rc == 0)
		rc = empty_ns_check(&opt->empty_ns, err);
	if (rc == 0 && opt->page_server)
		rc = page_server(opt->page_server, o, err);
	o->images_path = images->path;
	o->work_path = images->work >= 0 ? images->log_folder : NULL;
	o->log_level = LOG_LEVEL;
	o->log_file = log_file;
	/* An empty annotation: no file at all. */
	o->config_file = config ? (*config ? config : NULL) : CONFIG_FILE;
	/* What is in a network namespace is made from outside: by hooks, or the engine beforehand. */
	o->empty_ns = CLONE_NEWNET;
	o->notify_scripts = o->orphan_pts_master = true;
	/* A bind mount may get mounts from the host: it does again where it is restored. */
	o->ext_masters = true;
	o->ext_unix_sk = opt->ext_unix_sk;
	o->tcp_established = opt->tcp_established;
	o->tcp_skip_in_flight = opt->tcp_skip_in_flight;
	o->shell_job = opt->shell_job;
	o->file_locks = opt->file_locks;
	o->auto_dedup = opt->auto_dedup;
	o->lazy_pages = opt->lazy_pages;
	o->link_remap = opt->link_remap;
	o->lsm_profile = opt->lsm_profile;
	o->lsm_mount_context = opt->lsm_mount_context;
	return rc;
}

int criu_said(const char *what, const struct images *images, const char *log_file, struct err *err)
{
	CLEAN(str) struct str lines = { 0 };
	int dir = images->work >= 0 ? images->work : images->dir;

	if (!criu_log_errors(dir, log_file, &lines))
		return err_wrap(err, "%s: ", what);
	/* What criu itself makes of that is no more than "failed". */
	return err_set(err, err->code, "%s: %s; all of it is in %s/%s", what, lines.text,
		       images->log_folder, log_file);
}

/* ---- namespaces ---------------------------------------------------------------------- */

/* Those that criu can leave alone; the key is runc's too. The others it can only join. */
static const struct {
	enum spec_ns kind;
	const char *type, *key;
} external_ns[] = {
	{ NS_NETWORK, "net", "extRootNetNS" },
	{ NS_PID, "pid", "extRootPidNS" },
};

static int refuse_ns(const struct spec *spec, struct err *err)
{
	static const enum spec_ns kinds[] = { NS_MOUNT, NS_USER, NS_CGROUP };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (spec->lin.namespaces[kinds[i]].path)
			return err_set(
				err, ENOTSUP,
				"linux.namespaces (%s).path: criu can't restore into a given "
				"%s namespace",
				spec_ns_name(kinds[i]), spec_ns_name(kinds[i]));
	return 0;
}

/* By the process and not by the path: that may be another namespace's by now. */
int criu_namespaces_dump(const struct spec *spec, pid_t pid, struct criu_options *o,
			 struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(external_ns); i++) {
		char path[64], ours[64];
		struct stat st, own;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, external_ns[i].type);
		snprintf(ours, sizeof(ours), "/proc/self/ns/%s", external_ns[i].type);
		if (!spec->lin.namespaces[external_ns[i].kind].path)
			continue;
		if (stat(path, &st) < 0 || stat(ours, &own) < 0)
			return err_sys(err, "look at %s", path);
		/* Given by its path, and the host's all the same. */
		if (st.st_ino == own.st_ino)
			continue;
		strv_printf(&o->external, "%s[%llu]:%s", external_ns[i].type,
			    (unsigned long long)st.st_ino, external_ns[i].key);
	}
	return refuse_ns(spec, err);
}

int criu_namespaces_restore(const struct plan *p, struct criu_options *o, struct err *err)
{
	static const enum spec_ns joined[] = { NS_IPC, NS_UTS, NS_TIME };

	for (size_t i = 0; i < ARRAY_LEN(external_ns); i++)
		if (p->join[external_ns[i].kind] >= 0)
			criu_inherit_add(o, external_ns[i].key, p->join[external_ns[i].kind]);
	for (size_t i = 0; i < ARRAY_LEN(joined); i++)
		if (p->join[joined[i]] >= 0)
			criu_join_add(o, spec_ns_proc(joined[i]),
				      p->spec->lin.namespaces[joined[i]].path);
	return refuse_ns(p->spec, err);
}

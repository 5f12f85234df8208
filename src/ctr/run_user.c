/* --user, --group-add, and the HOME that follows from them. */
#include "ctr/run_make.h"

#include "base/path.h"
#include "runtime/account.h"
#include "runtime/vm.h"

#include <errno.h>
#include <fcntl.h>

/* The folder whose /etc names the accounts. For the machine's own programs that is the machine's. */
int run_tree_open(const struct run_made *m, struct err *err)
{
	CLEAN(free) char *path = spec_root(&m->spec, m->bundle);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "open the rootfs %s", path) : fd;
}

static void home_put(struct spec_process *p, const char *home)
{
	if (!strv_env_get(&p->env, "HOME"))
		strv_printf(&p->env, "HOME=%s", home);
}

static int groups_add(const struct run_flags *f, struct run_made *m, int tree, struct err *err)
{
	for (size_t i = 0; i < f->p.group_add.count; i++) {
		uint32_t gid;
		int r = account_group(tree, f->p.group_add.items[i], &gid, err);

		if (r < 0)
			return err_wrap(err, "--group-add: ");
		*SPEC_ADD(&m->spec.process.additional_gids) = gid;
	}
	return 0;
}

int run_user(const struct run_flags *f, struct run_made *m, struct err *err)
{
	CLEAN(account) struct account account = { 0 };
	CLEAN(fd) int tree = -1;
	bool asked = f->p.user || f->p.group_add.count, image;
	int r;

	if (m->from_bundle && !asked)
		return 0;
	if (m->built_in && !asked) {
		account_apply(&account, &m->spec.process);
		home_put(&m->spec.process, "/root");
		return 0;
	}
	/* What is in an image is known in the guest alone, who gives the process its HOME, too. */
	image = vm_root_is_image(&m->spec, m->bundle);
	if (!image)
		tree = run_tree_open(m, err);
	if (tree < 0 && !image)
		return tree;
	if (!m->from_bundle || f->p.user) {
		r = account_find(tree, f->p.user, &account, err);
		if (r < 0)
			return f->p.user ? err_wrap(err, "--user %s: ", f->p.user) : r;
		account_apply(&account, &m->spec.process);
		if (!image)
			home_put(&m->spec.process, account.home ? account.home : "/");
	}
	return groups_add(f, m, tree, err);
}

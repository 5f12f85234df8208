#include "sandbox/rights.h"

#include "sandbox/proc.h"
#include "sandbox/rights_check.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* RLIM_INFINITY is 2^64-1 here, as in config.json. */
_Static_assert(RLIM_INFINITY == UINT64_MAX, "rlimits are 64 bits wide");

static void limit_text(uint64_t limit, char buf[24])
{
	if (limit == UINT64_MAX)
		snprintf(buf, 24, "unlimited");
	else
		snprintf(buf, 24, "%" PRIu64, limit);
}

/* May we raise this hard limit by one? Then a refusal was about the value, not about us. */
static bool may_raise(int resource, const struct rlimit *now)
{
	struct rlimit more = { .rlim_cur = now->rlim_cur, .rlim_max = now->rlim_max + 1 };

	return setrlimit((__rlimit_resource_t)resource, &more) == 0 &&
	       setrlimit((__rlimit_resource_t)resource, now) == 0;
}

int rights_rlimit(const struct spec_rlimit *r, struct err *err)
{
	struct rlimit limit = { .rlim_cur = r->soft, .rlim_max = r->hard }, now;
	const char *name = spec_rlimit_name(r->resource);
	char soft[24], hard[24], ours[24];
	int code;

	name = name ? name : "an unknown limit";
	if (setrlimit((__rlimit_resource_t)r->resource, &limit) == 0)
		return 0;
	code = errno;
	limit_text(r->soft, soft);
	limit_text(r->hard, hard);
	if (r->soft > r->hard)
		return err_set(err, EINVAL, "process.rlimits: %s: soft %s is above hard %s", name,
			       soft, hard);
	if (code != EPERM || getrlimit((__rlimit_resource_t)r->resource, &now) < 0)
		return err_set(err, code, "process.rlimits: %s: set to %s:%s: %s", name, soft, hard,
			       strerror(code));
	if (r->resource == RLIMIT_NOFILE && may_raise(r->resource, &now))
		return err_set(
			err, ERANGE,
			"process.rlimits: %s: hard %s is above sysctl fs.nr_open of this host",
			name, hard);
	limit_text(now.rlim_max, ours);
	return err_set(err, EPERM,
		       "process.rlimits: %s: hard %s is above our own %s; raising it needs "
		       "CAP_SYS_RESOURCE",
		       name, hard, ours);
}

int rights_oom_score_adj(int proc, int64_t score, struct err *err)
{
	char text[24];
	int refused, rc;

	snprintf(text, sizeof(text), "%" PRId64, score);
	rc = proc_poke(proc, "self/oom_score_adj", text, &refused, err);
	if (refused == EACCES)
		return err_set(err, refused,
			       "process.oomScoreAdj: %s is below our own; lowering it needs "
			       "CAP_SYS_RESOURCE",
			       text);
	if (refused)
		return err_set(err, refused, "process.oomScoreAdj: the kernel refuses %s: %s", text,
			       strerror(refused));
	return rc < 0 ? err_wrap(err, "process.oomScoreAdj: ") : 0;
}

int rights_no_new_privs(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "process.noNewPrivileges: PR_SET_NO_NEW_PRIVS");
	return 0;
}

void rights_umask(const struct spec_process *p, mode_t ours)
{
	umask(p->umask.set ? (mode_t)p->umask.value & 0777 : ours);
}

/* Nothing is asked for that setresgid() doesn't give as well. */
static bool only_primary(const struct spec_process *p)
{
	for (size_t i = 0; i < p->additional_gids.count; i++)
		if (p->additional_gids.items[i] != p->gid)
			return false;
	return true;
}

static int set_groups(const struct spec_process *p, struct err *err)
{
	if (setgroups(p->additional_gids.count, p->additional_gids.items) == 0)
		return 0;
	/* Denied as a whole in a user namespace whose maps an ordinary user wrote: the groups that came in
	 * from outside stay, and nothing inside can be done with them. */
	if (errno == EPERM && only_primary(p))
		return 0;
	if (errno == EPERM)
		return err_set(
			err, EPERM,
			"process.user.additionalGids: setgroups is denied in this user namespace; map "
			"groups by newgidmap (/etc/subgid), or leave --group-add out");
	if (errno == EINVAL)
		return err_set(
			err, EINVAL,
			"process.user.additionalGids: one of them is not in linux.gidMappings");
	return err_sys(err, "process.user.additionalGids: setgroups of %zu",
		       p->additional_gids.count);
}

int rights_user(const struct spec_process *p, struct err *err)
{
	int rc = set_groups(p, err);

	if (rc < 0)
		return rc;
	if (setresgid(p->gid, p->gid, p->gid) < 0)
		return errno == EINVAL ?
			       err_set(err, EINVAL,
				       "process.user.gid: %u is not in linux.gidMappings", p->gid) :
			       err_sys(err, "process.user.gid: become group %u", p->gid);
	if (setresuid(p->uid, p->uid, p->uid) < 0) {
		if (errno == EINVAL)
			return err_set(err, EINVAL,
				       "process.user.uid: %u is not in linux.uidMappings", p->uid);
		if (errno == EAGAIN)
			return err_set(err, EAGAIN,
				       "process.user.uid: user %u has as many processes as its "
				       "RLIMIT_NPROC allows",
				       p->uid);
		return err_sys(err, "process.user.uid: become user %u", p->uid);
	}
	return 0;
}

int rights_personality(const char *domain, struct err *err)
{
	const struct spec_word *w;

	if (!domain)
		return 0;
	w = spec_word_find(WORDS_PERSONALITY, domain);
	if (!w)
		return err_set(err, EINVAL,
			       "linux.personality.domain: \"%s\" is neither LINUX nor LINUX32",
			       domain);
	if (personality((unsigned long)w->value) < 0)
		return err_sys(err, "linux.personality.domain: %s", domain);
	return 0;
}

int rights_session_keyring(const char *name, struct err *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) >= 0)
		return 0;
	if (errno == EDQUOT)
		return err_set(
			err, EDQUOT,
			"session keyring %s: this user has as many keys as sysctl kernel.keys.maxkeys "
			"(root: root_maxkeys) allows",
			name);
	return err_sys(err, "session keyring %s", name);
}

int rights_check(const struct spec *spec, struct err *err)
{
	const struct spec_process *p = &spec->process;
	int rc = rights_check_scheduler(&p->scheduler, err);

	if (rc == 0)
		rc = rights_check_io_priority(p, err);
	if (rc == 0)
		rc = rights_check_cpus(p, err);
	if (rc == 0)
		rc = rights_check_memory_policy(&spec->lin, err);
	if (rc == 0)
		rc = rights_check_labels(p, err);
	if (rc == 0 && spec->lin.personality_domain &&
	    !spec_word_find(WORDS_PERSONALITY, spec->lin.personality_domain))
		rc = err_set(err, EINVAL,
			     "linux.personality.domain: \"%s\" is neither LINUX nor LINUX32",
			     spec->lin.personality_domain);
	return rc;
}

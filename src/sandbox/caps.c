#include "sandbox/caps.h"

#include "spec/names.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

int caps_known(void)
{
	/* libcap has found it when the program started. */
	return (int)cap_max_bits() - 1;
}

uint64_t caps_known_mask(void)
{
	return UINT64_MAX >> (63 - caps_known());
}

static uint64_t flag_mask(cap_t caps, cap_flag_t flag)
{
	uint64_t mask = 0;

	for (int i = 0; i <= caps_known(); i++) {
		cap_flag_value_t value = CAP_CLEAR;

		if (cap_get_flag(caps, i, flag, &value) == 0 && value == CAP_SET)
			mask |= 1ull << i;
	}
	return mask;
}

/*
 * At exec the kernel takes from the permitted set what is not in the bounding set, unless it is
 * inheritable: only that has to be asked for one by one, and it is usually nothing.
 */
uint64_t caps_available(void)
{
	cap_t caps = cap_get_proc();
	uint64_t mask, doubtful;

	if (!caps)
		return 0;
	mask = flag_mask(caps, CAP_PERMITTED);
	doubtful = mask & flag_mask(caps, CAP_INHERITABLE);
	cap_free(caps);
	for (int i = 0; i <= caps_known(); i++)
		if (doubtful >> i & 1 && cap_get_bound(i) != 1)
			mask &= ~(1ull << i);
	return mask;
}

void caps_text(uint64_t set, struct str *ret)
{
	if (!set)
		str_add(ret, "none");
	for (int i = 0; i < 64; i++) {
		const char *name = spec_cap_name(i);

		if (!(set >> i & 1))
			continue;
		if (name)
			str_printf(ret, "%s%s", ret->len ? ", " : "", name);
		else
			str_printf(ret, "%s%d", ret->len ? ", " : "", i);
	}
}

static void warn(struct strv *warnings, uint64_t gone, const char *why)
{
	CLEAN(str) struct str text = { 0 };

	if (!gone || !warnings)
		return;
	caps_text(gone, &text);
	strv_printf(warnings, "process.capabilities: left out, %s: %s", why, text.text);
}

void caps_clip(struct spec_caps *caps, uint64_t available, struct strv *warnings)
{
	uint64_t known = caps_known_mask(), asked, ambient = caps->ambient;

	if (!caps->set)
		return;
	asked = caps->bounding | caps->effective | caps->inheritable | caps->permitted |
		caps->ambient;
	warn(warnings, asked & ~known, "this kernel doesn't know them");
	warn(warnings, asked & known & ~available, "we don't have them ourselves");
	caps->bounding &= available & known;
	caps->permitted &= available & known;
	caps->inheritable &= available & known;
	/* The kernel wants effective within permitted, and ambient within both of the others. */
	caps->effective &= caps->permitted;
	caps->ambient &= caps->permitted & caps->inheritable;
	warn(warnings, ambient & available & known & ~caps->ambient,
	     "ambient ones must be permitted and inheritable too");
}

int caps_bounding_limit(uint64_t keep, struct err *err)
{
	for (int i = 0; i <= caps_known(); i++) {
		if (keep >> i & 1 || cap_drop_bound(i) == 0)
			continue;
		/* Not ours to drop, and gone already: fine. */
		if (errno == EPERM && cap_get_bound(i) == 0)
			continue;
		return err_sys(err,
			       "process.capabilities.bounding: drop %s from the bounding set%s",
			       spec_cap_name(i) ? spec_cap_name(i) : "a capability",
			       errno == EPERM ? " (that needs CAP_SETPCAP)" : "");
	}
	return 0;
}

int caps_keep_across_setuid(struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err,
			       "process.user: keep capabilities over setuid (PR_SET_KEEPCAPS)");
	return 0;
}

static void fill(cap_t caps, cap_flag_t flag, uint64_t mask)
{
	cap_value_t list[64];
	int count = 0;

	for (int i = 0; i < 64; i++)
		if (mask >> i & 1)
			list[count++] = i;
	if (count)
		cap_set_flag(caps, flag, count, list, CAP_SET);
}

static int apply_ambient(const struct spec_caps *caps, struct err *err)
{
	/* The kernel keeps ambient within inheritable: with that empty nothing can be left of it. */
	if (caps->inheritable && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "process.capabilities.ambient: clear the set");
	for (int i = 0; i < 64; i++)
		if (caps->ambient >> i & 1 && cap_set_ambient(i, CAP_SET) < 0)
			return err_sys(err, "process.capabilities.ambient: raise %s%s",
				       spec_cap_name(i) ? spec_cap_name(i) : "a capability",
				       errno == EPERM ?
					       " (it must be permitted and inheritable, too)" :
					       "");
	return 0;
}

int caps_apply(const struct spec_caps *caps, struct err *err)
{
	cap_t sets;
	int rc;

	if (!caps->set)
		return 0;
	sets = cap_init();
	if (!sets)
		return err_sys(err, "process.capabilities");
	fill(sets, CAP_EFFECTIVE, caps->effective);
	fill(sets, CAP_PERMITTED, caps->permitted);
	fill(sets, CAP_INHERITABLE, caps->inheritable);
	rc = cap_set_proc(sets);
	if (rc < 0)
		rc = err_sys(err,
			     "process.capabilities: the kernel refuses the sets (effective must be "
			     "within permitted, permitted within what we have)");
	cap_free(sets);
	return rc < 0 ? rc : apply_ambient(caps, err);
}

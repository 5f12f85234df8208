/* --cap-add and --cap-drop, of run, create and exec. */
#include "ctr/run_make.h"

#include "sandbox/caps.h"
#include "spec/names.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int caps_collect(const char *flag, const struct strv *names, uint64_t *ret, bool *ret_all,
			struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		CLEAN(strv) struct strv word = { 0 };

		strv_split(&word, names->items[i], ',');
		for (size_t j = 0; j < word.count; j++) {
			int cap = spec_cap_from_name(word.items[j]);

			if (strcasecmp(word.items[j], "all") == 0)
				*ret_all = true;
			else if (cap < 0)
				return err_set(err, EINVAL, "--%s: no capability \"%s\"", flag,
					       word.items[j]);
			else
				*ret |= UINT64_C(1) << cap;
		}
	}
	return 0;
}

int caps_from_flags(const struct env_flags *f, uint32_t uid, bool userns, struct spec_caps *caps,
		    struct err *err)
{
	uint64_t add = 0, drop = 0, all, set = caps->bounding, given;
	bool add_all = false, drop_all = false;
	CLEAN(str) struct str both = { 0 };
	int r = caps_collect("cap-add", &f->cap_add, &add, &add_all, err);

	if (r >= 0)
		r = caps_collect("cap-drop", &f->cap_drop, &drop, &drop_all, err);
	if (r < 0)
		return r;
	if (add & drop) {
		caps_text(add & drop, &both);
		return err_set(err, EINVAL, "--cap-add and --cap-drop both name %s", both.text);
	}
	if (add_all && drop_all)
		return err_set(err, EINVAL, "--cap-add and --cap-drop both say ALL");
	all = userns ? caps_known_mask() : caps_available();
	if (f->privileged || add_all)
		set = all;
	if (drop_all)
		set = 0;
	set = (set & ~drop) | add;
	/* As podman: who is not root gets at once only what was asked for by name; the rest is a bound
	 * on what setuid programs can give. */
	given = uid == 0 ? set : add_all ? set : add;
	*caps = (struct spec_caps){
		.set = true, .bounding = set, .effective = given, .permitted = given
	};
	if (uid != 0)
		caps->inheritable = caps->ambient = given;
	return 0;
}

/* What an emulator is started from: the host's programs and libraries, the guest's kernel; all of it read-only. */
#include "runtime/vm.h"

#include <string.h>
#include <sys/stat.h>

/* Where programs and their libraries are; on a host of today the others lead into the first. */
static const char *const folders[] = { "/usr", "/lib", "/lib64" };

static void add(struct json_object *all, const char *destination, const char *type,
		const char *source, const char *options)
{
	struct json_object *m = json_object_new_object();
	CLEAN(strv) struct strv words = { 0 };

	strv_split(&words, options, ',');
	json_put_string(m, "destination", destination);
	json_put_string(m, "type", type);
	json_put_string(m, "source", source);
	json_put_strv(m, "options", &words);
	json_object_array_add(all, m);
}

static void bind(struct json_object *all, const char *name, const char *source)
{
	CLEAN(free) char *to = xasprintf(VM_EMULATOR "/%s", name);

	add(all, to, "bind", source, "bind,ro,nosuid,nodev");
}

static bool has_dev(const struct spec *s)
{
	for (size_t i = 0; i < s->mounts.count; i++)
		if (str_eq(s->mounts.items[i].destination, "/dev"))
			return true;
	return false;
}

struct json_object *vm_emulator_mounts(const struct spec *whole, const char *folder,
				       const char *initrd)
{
	struct json_object *all = json_object_new_array();
	CLEAN(free) char *kernel = xasprintf("%s/" VM_KERNEL_FILE, folder);
	CLEAN(free) char *files = xasprintf("%s/" VM_INITRD_FILE, folder);
	struct stat st;

	/* The place is made in it, and not in the container's files. */
	if (!has_dev(whole))
		add(all, "/dev", "tmpfs", "tmpfs", "nosuid,mode=755,size=64k");
	add(all, VM_EMULATOR, "tmpfs", "tmpfs", "nosuid,nodev,mode=755,size=64k");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (lstat(folders[i], &st) == 0 && S_ISDIR(st.st_mode))
			bind(all, folders[i] + 1, folders[i]);
	bind(all, VM_KERNEL_FILE, kernel);
	bind(all, VM_INITRD_FILE, initrd ? initrd : files);
	return all;
}

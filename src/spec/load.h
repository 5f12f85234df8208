/* config.json to struct spec and back, and the default spec. */
#ifndef CTR_SPEC_LOAD_H
#define CTR_SPEC_LOAD_H

#include "base/err.h"
#include "base/json.h"
#include "spec/spec.h"

/*
 * Read a bundle's config.json. Every key of the standard is known here: taken, refused with its
 * name, or (for other platforms' objects) refused as not for Linux; an unknown key is put into
 * *warnings ("KEY: not in runtime spec 1.3, ignored"), as the standard asks. `name` is what errors
 * call the document. ret must be all zero; it is freed again on failure.
 */
int spec_load(int dir, const char *path, struct spec *ret, struct strv *warnings,
	      struct err *err) MUST_CHECK;
int spec_parse(const char *text, size_t len, const char *name, struct spec *ret,
	       struct strv *warnings, struct err *err) MUST_CHECK;

/* The same of a document that is parsed; borrowed. */
int spec_from_json(struct json_object *o, const char *name, struct spec *ret, struct strv *warnings,
		   struct err *err) MUST_CHECK;

/* The same of a config.json that we wrote ourselves, for a container of ours: all that can be asked by
 * flags is in it, also what is no UTF-8. */
int spec_load_own(int dir, const char *path, struct spec *ret, struct err *err) MUST_CHECK;

/* A process object alone (exec --process FILE). */
int spec_load_process(int dir, const char *path, struct spec_process *ret, struct strv *warnings,
		      struct err *err) MUST_CHECK;
void spec_process_free(struct spec_process *p); /* leaves it all zero */
CLEAN_DEFINE(spec_process, struct spec_process, spec_process_free)

/* The resources object alone (update --resources). */
int spec_load_resources(int dir, const char *path, struct spec_resources *ret,
			struct strv *warnings, struct err *err) MUST_CHECK;
int spec_parse_resources(const char *text, size_t len, const char *name, struct spec_resources *ret,
			 struct strv *warnings, struct err *err) MUST_CHECK;
/*
 * Put what `res` says into the linux.resources of a config.json that we wrote ourselves, which is replaced
 * atomically: a number or a text in the place of another, a disk's or a page size's in that of the same
 * one's. Its devices are left alone.
 */
int spec_update_resources(int dir, const char *path, const struct spec_resources *res,
			  struct err *err) MUST_CHECK;
/* Is there nothing that it asks for? */
bool spec_resources_empty(const struct spec_resources *res);
void spec_resources_free(struct spec_resources *r);
CLEAN_DEFINE(spec_resources, struct spec_resources, spec_resources_free)

/* The seccomp object alone (a profile of the user's). Unlike elsewhere an unknown key is an error
 * here: a condition that is not understood must not widen what is allowed. */
int spec_load_seccomp(int dir, const char *path, struct spec_seccomp *ret,
		      struct err *err) MUST_CHECK;
void spec_seccomp_free(struct spec_seccomp *s);
CLEAN_DEFINE(spec_seccomp, struct spec_seccomp, spec_seccomp_free)

/* Back to JSON; json_object_put it. What was absent stays absent. */
struct json_object *spec_to_json(const struct spec *spec) MUST_CHECK;

/*
 * What the standard forbids and what no kernel would take, before anything is changed: relative
 * paths, missing args, uid maps without a user namespace, unknown sysctl for its namespace, ...
 * Every error names the key.
 */
int spec_validate(const struct spec *spec, struct err *err) MUST_CHECK;

/*
 * The spec of a container about which nothing was said: all namespaces but user and time new,
 * docker's default mounts, masks, 14 capabilities, device rules; `sh` as the command; no rlimits.
 * seccomp: by annotation, our default profile. root.path "rootfs".
 */
void spec_default(struct spec *ret);

/*
 * Put in rules that allow the devices which every container has (null, tty, ptmx, pts ...) and making
 * nodes, as runc and crun do: engines list only what goes beyond that. They come behind the last rule
 * that is about all devices, so that those about some keep their last word.
 */
void spec_allow_default_devices(struct spec_resources *res);

/* The default list of capabilities (docker's and podman's default 14), as bits. */
extern const uint64_t spec_default_caps;

void spec_mount_free(struct spec_mount *m); /* what it points to */

/* Append a mount: options is a comma-separated list. */
struct spec_mount *spec_add_mount(struct spec *spec, const char *destination, const char *type,
				  const char *source, const char *options);

#endif

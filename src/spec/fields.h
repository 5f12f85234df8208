/*
 * config.json as tables: one row per key says where in struct spec the value lives, what it may be,
 * and is used for reading and for writing alike. For src/spec only.
 */
#ifndef CTR_SPEC_FIELDS_H
#define CTR_SPEC_FIELDS_H

#include "base/json.h"
#include "spec/names.h"
#include "spec/spec.h"

/* What a key holds, and the C type it lives in. */
enum field_kind {
	FIELD_STRING,      /* char * */
	FIELD_BOOL,        /* bool */
	FIELD_U32,         /* uint32_t */
	FIELD_I32,         /* int32_t */
	FIELD_I64,         /* int64_t */
	FIELD_U64,         /* uint64_t */
	FIELD_OPT_U64,     /* struct opt_u64 */
	FIELD_OPT_I64,     /* struct opt_i64 */
	FIELD_OPT_BOOL,    /* struct opt_i64, 0 or 1 */
	FIELD_STRV,        /* struct strv from an array of strings */
	FIELD_MAP,         /* struct strv of "KEY=VALUE" from an object of strings */
	FIELD_U32_LIST,    /* SPEC_LIST(uint32_t) from an array */
	FIELD_WORD,        /* int from a word of table `sub` */
	FIELD_WORD_CHAR,   /* char from a word */
	FIELD_OPT_WORD,    /* struct opt_i64 from a word */
	FIELD_WORD_STRING, /* char *, but only a word of the table */
	FIELD_WORD_STRV,   /* struct strv of such words */
	FIELD_WORD_BITS,   /* uint64_t from an array of words, a bit each */
	FIELD_OBJECT,      /* the struct that table `sub` describes */
	FIELD_LIST,        /* SPEC_LIST of such structs from an array */
	FIELD_KEYED, /* SPEC_LIST from an object; the key is the struct's first member, a char * */
	FIELD_NAMESPACES, /* struct spec_namespace[NS_KINDS] from an array */
	FIELD_ACCESS,     /* "rwm" into three bools of struct spec_device_rule */
	FIELD_EMPTY,      /* an array in which nothing is defined yet; lives nowhere */
	FIELD_REFUSED,    /* `sub` is why; lives nowhere */
};

enum field_flag {
	REQUIRED = 1,    /* reading without it is an error; written always */
	WRITE_ZERO = 2,  /* written always */
	ZERO_ABSENT = 4, /* 0 means that nothing was said, as docker writes it */
};

enum field_refusal {
	REFUSED_OTHER_PLATFORM,
	REFUSED_HYPERVISOR,
	REFUSED_IMAGE,
	REFUSED_HARDWARE,
};

enum table_id {
	TABLE_SPEC,
	TABLE_ROOT,
	TABLE_PROCESS,
	TABLE_CONSOLE_SIZE,
	TABLE_USER,
	TABLE_CAPS,
	TABLE_RLIMIT,
	TABLE_SCHEDULER,
	TABLE_IO_PRIORITY,
	TABLE_CPU_AFFINITY,
	TABLE_MOUNT,
	TABLE_ID_MAP,
	TABLE_HOOKS,
	TABLE_HOOK,
	TABLE_VM,
	TABLE_VM_KERNEL,
	TABLE_VM_HARDWARE,
	TABLE_LINUX,
	TABLE_NAMESPACE,
	TABLE_TIME_OFFSETS,
	TABLE_TIME_OFFSET,
	TABLE_DEVICE,
	TABLE_NET_DEVICE,
	TABLE_PERSONALITY,
	TABLE_INTEL_RDT,
	TABLE_MEMORY_POLICY,
	TABLE_RESOURCES,
	TABLE_DEVICE_RULE,
	TABLE_MEMORY,
	TABLE_CPU,
	TABLE_PIDS,
	TABLE_BLOCK_IO,
	TABLE_WEIGHT_DEVICE,
	TABLE_THROTTLE,
	TABLE_HUGEPAGE,
	TABLE_RDMA,
	TABLE_NETWORK,
	TABLE_NET_PRIORITY,
	TABLE_SECCOMP,
	TABLE_SECCOMP_RULE,
	TABLE_SECCOMP_ARG,
	TABLES,
};

#define FIELD_KEY_MAX 24

/* No pointers in it: the rows stay in the program's read-only pages, nothing is relocated. */
struct field {
	char key[FIELD_KEY_MAX];
	uint16_t offset;
	uint16_t set_at; /* FIELD_OBJECT: where the bool `it was there` is; 0: there is none */
	uint8_t kind;    /* enum field_kind */
	uint8_t sub;     /* enum spec_words_id, table_id or field_refusal, as the kind wants it */
	uint8_t flags;
	int64_t min; /* numbers; both 0: all that the type holds */
	uint64_t max;
};

struct table {
	const struct field *fields;
	size_t count;
	size_t size; /* of the struct */
	bool closed; /* an unknown key is an error here: each key is a word of the standard */
	/* What one row alone can't tell. The object was read without errors. */
	int (*check)(const struct json_at *at, const void *object, struct err *err);
};

const struct table *field_table(enum table_id id);

/* The layout that every SPEC_LIST has; moved in and out by memcpy. */
struct field_list {
	void *items;
	size_t count;
};

struct field_reader {
	struct strv *warnings; /* NULL: not wanted */
	bool strict;           /* an unknown key is an error everywhere */
};

/* Fill the (zeroed) struct from an object. On failure the struct is half filled: free it. */
int field_read_object(const struct field_reader *reader, enum table_id id, const struct json_at *at,
		      void *object, struct err *err) MUST_CHECK;

/* The other way. Never NULL. */
struct json_object *field_write_object(enum table_id id, const void *object) MUST_CHECK;

#endif

/*
 * How rows of the tables are written: `#define T struct spec_process`, then U32("uid", uid). The
 * compiler refuses a member of another type than the kind wants. For tables*.c only.
 */
#ifndef CTR_SPEC_ROWS_H
#define CTR_SPEC_ROWS_H

#include "spec/fields.h"

/* 0, or a compile error where the member `m` of T isn't a `type`. */
#define ROW_TYPE(m, type) \
	(0 * sizeof(char[__builtin_types_compatible_p(typeof(((T *)0)->m), type) ? 1 : -1]))
#define ROW_AT(m, type) .offset = offsetof(T, m) + ROW_TYPE(m, type)
#define ROW(k, kind_, m, type, ...)                                     \
	{                                                               \
		.key = k, .kind = (kind_), ROW_AT(m, type), __VA_ARGS__ \
	}

#define NEED .flags = REQUIRED
#define RANGE(low, high) .min = (low), .max = (high)
/* 2^32-1 is no id: to the kernel it says "leave it as it is", which for us is root. */
#define ID RANGE(0, UINT32_MAX - 1)

#define STRING(k, m, ...) ROW(k, FIELD_STRING, m, char *, __VA_ARGS__)
#define BOOL(k, m, ...) ROW(k, FIELD_BOOL, m, bool, __VA_ARGS__)
#define U32(k, m, ...) ROW(k, FIELD_U32, m, uint32_t, __VA_ARGS__)
#define I32(k, m, ...) ROW(k, FIELD_I32, m, int32_t, __VA_ARGS__)
#define I64(k, m, ...) ROW(k, FIELD_I64, m, int64_t, __VA_ARGS__)
#define U64(k, m, ...) ROW(k, FIELD_U64, m, uint64_t, __VA_ARGS__)
#define OPT_U64(k, m, ...) ROW(k, FIELD_OPT_U64, m, struct opt_u64, __VA_ARGS__)
#define OPT_I64(k, m, ...) ROW(k, FIELD_OPT_I64, m, struct opt_i64, __VA_ARGS__)
#define OPT_BOOL(k, m, ...) ROW(k, FIELD_OPT_BOOL, m, struct opt_i64, __VA_ARGS__)
#define STRV(k, m, ...) ROW(k, FIELD_STRV, m, struct strv, __VA_ARGS__)
#define MAP(k, m, ...) ROW(k, FIELD_MAP, m, struct strv, __VA_ARGS__)
#define WORD(k, m, words, ...) ROW(k, FIELD_WORD, m, int, .sub = (words), __VA_ARGS__)
#define WORD_CHAR(k, m, words, ...) ROW(k, FIELD_WORD_CHAR, m, char, .sub = (words), __VA_ARGS__)
#define OPT_WORD(k, m, words, ...) \
	ROW(k, FIELD_OPT_WORD, m, struct opt_i64, .sub = (words), __VA_ARGS__)
#define WORD_STRING(k, m, words, ...) \
	ROW(k, FIELD_WORD_STRING, m, char *, .sub = (words), __VA_ARGS__)
#define WORD_STRV(k, m, words, ...) \
	ROW(k, FIELD_WORD_STRV, m, struct strv, .sub = (words), __VA_ARGS__)
#define WORD_BITS(k, m, words) ROW(k, FIELD_WORD_BITS, m, uint64_t, .sub = (words))

/* An array of numbers, of structs, an object of structs by name. */
#define U32_LIST(k, m) ROW(k, FIELD_U32_LIST, m.items, uint32_t *)
#define LIST(k, m, table, type, ...) \
	ROW(k, FIELD_LIST, m.items, type *, .sub = (table), __VA_ARGS__)
#define KEYED(k, m, table, type) ROW(k, FIELD_KEYED, m.items, type *, .sub = (table))

/* An object with a struct of its own; one whose values live in T itself; SET(m): the bool that
 * keeps whether it was there. */
#define OBJECT(k, m, table, type, ...) ROW(k, FIELD_OBJECT, m, type, .sub = (table), __VA_ARGS__)
#define INLINE(k, table, ...)                                               \
	{                                                                   \
		.key = k, .kind = FIELD_OBJECT, .sub = (table), __VA_ARGS__ \
	}
#define SET(m) .set_at = offsetof(T, m) + ROW_TYPE(m, bool)

#define EMPTY(k)                              \
	{                                     \
		.key = k, .kind = FIELD_EMPTY \
	}
#define REFUSED(k, why)                                       \
	{                                                     \
		.key = k, .kind = FIELD_REFUSED, .sub = (why) \
	}

#define TABLE(fields_, ...)                                                                      \
	{                                                                                        \
		.fields = (fields_), .count = ARRAY_LEN(fields_), .size = sizeof(T), __VA_ARGS__ \
	}

/* linux and below it: tables_linux.c and tables_resources.c, collected in tables.c. */
extern const struct table table_linux, table_namespace, table_time_offsets, table_time_offset,
	table_device, table_net_device, table_personality, table_intel_rdt, table_memory_policy,
	table_seccomp, table_seccomp_rule, table_seccomp_arg;
extern const struct table table_resources, table_device_rule, table_memory, table_cpu, table_pids,
	table_block_io, table_weight_device, table_throttle, table_hugepage, table_rdma,
	table_network, table_net_priority;

#endif

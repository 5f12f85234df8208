/*
 * A guest's memory: one mapping of ours alone, of which what doesn't fit below 3 GiB lies from 4 GiB up; or pieces that
 * an emulator has made. The guest's addresses (gpa) become pointers here and nowhere else.
 */
#ifndef CTR_MICROVM_MEMORY_H
#define CTR_MICROVM_MEMORY_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_MIN_BYTES (32ULL << 20)
#define MEMORY_GAP_GPA 0xc0000000ULL
#define MEMORY_HIGH_GPA 0x100000000ULL

#define MEMORY_PIECES_MAX 8

struct memory_piece {
	uint64_t gpa, bytes;
	char *base;
};

/* All zero but fd -1 is none. */
struct memory {
	char *base;
	uint64_t size, low; /* bytes in all, bytes below the gap */
	int fd; /* a snapshot's, of which it is a copy, page by page as it is written to; else -1; memory_file.h */
	struct memory_piece pieces[MEMORY_PIECES_MAX]; /* somebody else's: memory_add() */
	size_t piece_count;
};

#define MEMORY_NONE      \
	{                \
		.fd = -1 \
	}

/* Bytes from MEMORY_MIN_BYTES to all that the host has, whole pages; taken as they are touched. */
int memory_make(uint64_t bytes, struct memory *ret, struct err *err) MUST_CHECK;

/* Give it to a machine of KVM's. */
int memory_plug(const struct memory *m, int vm, struct err *err) MUST_CHECK;

/*
 * One more piece of a memory that somebody else has made, `bytes` of the file `fd`, borrowed, from `offset` on. It
 * is a memfd sealed against getting smaller: else its owner could let us run into nothing. -EPROTO with words.
 */
int memory_add(struct memory *m, int fd, uint64_t gpa, uint64_t bytes, uint64_t offset,
	       struct err *err) MUST_CHECK;

/* The bytes at gpa, or NULL where not all of them are memory. */
void *memory_at(const struct memory *m, uint64_t gpa, uint64_t len) MUST_CHECK;

/*
 * Of memory that we made: the host needs not keep what is in these bytes, which are of it: whole pages among them are
 * taken away, and read as zeros when they are touched again, or as they were in the snapshot's file.
 */
void memory_give_up(const struct memory *m, void *at, uint64_t len);

void memory_free(struct memory *m);
CLEAN_DEFINE(memory, struct memory, memory_free)

#endif

/*
 * What mk/musl puts in the place of musl's own, under load: prints "fine", or says what isn't and ends with 1. It is
 * linked as the static programs are.
 *
 *   fill SEED
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 60000
#define HELD 96

__attribute__((noreturn)) static void wrong(const char *what, size_t n)
{
	printf("%s, %zu bytes\n", what, n);
	exit(1);
}

static void all_are(const unsigned char *p, size_t len, unsigned char byte, const char *what)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte)
			wrong(what, len);
}

/* Mostly small, now and then beyond what the pool of pages serves, and what the allocator maps by itself. */
static size_t some_size(unsigned int *seed)
{
	unsigned int r = (unsigned int)rand_r(seed);

	return 1 + (r % 50 == 0 ? r % 300000 : r % 5 == 0 ? r % 9000 : r % 200);
}

static void *churn(void *arg)
{
	struct {
		unsigned char *at;
		size_t len;
	} held[HELD] = { 0 };
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	for (int round = 0; round < ROUNDS; round++) {
		size_t i = (size_t)rand_r(&seed) % HELD, len = some_size(&seed);
		unsigned char mark = (unsigned char)(i + 1);

		all_are(held[i].at, held[i].len, mark, "somebody wrote into a piece");
		switch (rand_r(&seed) % 4) {
		case 0:
			free(held[i].at);
			held[i].at = calloc(1, len);
			all_are(held[i].at, len, 0, "calloc gave what is not clear");
			break;
		case 1:
			held[i].at = realloc(held[i].at, len);
			all_are(held[i].at, len < held[i].len ? len : held[i].len, mark,
				"realloc lost bytes");
			break;
		default:
			free(held[i].at);
			held[i].at = malloc(len);
		}
		held[i].len = len;
		memset(held[i].at, mark, len);
		if (round % 1000 == 0)
			(void)malloc_trim(0);
	}
	for (size_t i = 0; i < HELD; i++)
		free(held[i].at);
	return NULL;
}

/* Each length and distance, against a loop. */
static void copies(void)
{
	static unsigned char is[4096], must[4096], from[4096];
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	void *(*volatile move)(void *, const void *, size_t) = memmove;

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t len = 0; len < 1200; len++) {
		memset(is, 0, sizeof(is));
		if (copy(is + 64 + len % 9, from + len % 13, len) != is + 64 + len % 9)
			wrong("memcpy returns another pointer", len);
		for (size_t i = 0; i < len; i++)
			if (is[64 + len % 9 + i] != from[len % 13 + i])
				wrong("memcpy copied something else", len);
		all_are(is, 64 + len % 9, 0, "memcpy wrote in front");
		all_are(is + 64 + len % 9 + len, 64, 0, "memcpy wrote behind");
		for (long by = -33; by <= 33; by++) {
			copy(is, from, sizeof(is));
			for (size_t i = 0; i < sizeof(must); i++)
				must[i] = from[i];
			for (size_t i = 0; i < len; i++)
				must[(size_t)(1000 + by) + i] = from[1000 + i];
			move(is + 1000 + by, is + 1000, len);
			if (memcmp(is, must, sizeof(is)) != 0)
				wrong("memmove", len);
		}
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uintptr_t seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;

	copies();
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, churn, (void *)(seed * THREADS + i)) != 0)
			wrong("no thread", 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int e = 1; e < 134; e++)
		if (strerrorname_np(e) && strerrorname_np(e)[0] != 'E')
			wrong("the name of an error", (size_t)e);
	if (strcmp(strerrorname_np(EPERM), "EPERM") != 0 ||
	    strcmp(strerrorname_np(ERFKILL), "ERFKILL") != 0 ||
	    strcmp(sigabbrev_np(SIGHUP), "HUP") != 0 || strcmp(sigabbrev_np(SIGSYS), "SYS") != 0 ||
	    SIGRTMIN != 34)
		wrong("a name", 0);
	puts("fine");
	return 0;
}

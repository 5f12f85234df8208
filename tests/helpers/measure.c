/*
 * measure N NAME CMD [ARG...] [--- NAME CMD [ARG...]]...: run each command N times, in turn, and
 * print for each the median CPU time, the 10th percentile and median of wall time, page faults, and
 * the ratios to the last one named. A command that fails stops it all: its times would be of nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEERS_MAX 8
#define RUNS_MAX 2000

struct peer {
	char *name;
	char **argv;
	double cpu_us[RUNS_MAX], wall_us[RUNS_MAX], faults[RUNS_MAX];
};

static struct peer peers[PEERS_MAX];
static int count;

static double us(struct timeval t)
{
	return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void run_once(struct peer *p, int i)
{
	struct rusage use;
	double begin = now_us();
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(p->argv[0], p->argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &use) < 0 || status) {
		fprintf(stderr, "measure: %s: run %d failed with status %d\n", p->name, i, status);
		exit(1);
	}
	if (i < 0)
		return;
	p->wall_us[i] = now_us() - begin;
	p->cpu_us[i] = us(use.ru_utime) + us(use.ru_stime);
	p->faults[i] = (double)(use.ru_minflt + use.ru_majflt);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double part(double *values, int runs, double quantile)
{
	qsort(values, (size_t)runs, sizeof(*values), ascending);
	return values[(int)((double)(runs - 1) * quantile)];
}

static void print_all(int runs)
{
	double cpu[PEERS_MAX], wall[PEERS_MAX];

	printf("%-24s %10s %10s %10s %8s  %s\n", "", "cpu us", "wall p10", "wall p50", "faults",
	       "cpu and wall p10 against the last");
	for (int i = 0; i < count; i++) {
		cpu[i] = part(peers[i].cpu_us, runs, 0.5);
		wall[i] = part(peers[i].wall_us, runs, 0.1);
	}
	for (int i = 0; i < count; i++)
		printf("%-24s %10.0f %10.0f %10.0f %8.0f  %.2f %.2f\n", peers[i].name, cpu[i],
		       wall[i], part(peers[i].wall_us, runs, 0.5), part(peers[i].faults, runs, 0.5),
		       cpu[i] / cpu[count - 1], wall[i] / wall[count - 1]);
}

int main(int argc, char **argv)
{
	int runs = argc > 3 ? atoi(argv[1]) : 0;

	if (runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: measure N NAME CMD [ARG...] [--- NAME CMD [ARG...]]...\n");
		return 64;
	}
	for (int i = 2; i + 1 < argc && count < PEERS_MAX; i++) {
		peers[count].name = argv[i];
		peers[count++].argv = argv + i + 1;
		while (i < argc && strcmp(argv[i], "---") != 0)
			i++;
		if (i < argc)
			argv[i] = NULL;
	}
	for (int i = -1; i < runs; i++)
		for (int k = 0; k < count; k++)
			run_once(&peers[k], i);
	print_all(runs);
	return 0;
}

/*
 * Run the commands of several peers in turn and compare what they cost.
 *
 *   measure N PEER [--- PEER]...         each N times, one after the other, interleaved
 *   measure -p K N PEER [--- PEER]...    K of each side by side, N rounds: how many per second
 *
 *   PEER: NAME BEFORE AFTER CMD [ARG...]
 *
 * BEFORE and AFTER are lines for sh that are not measured ("" for none). With -p each %d in ARG is
 * the number of the one in its round. CPU is that of the command and of what it waited for. The
 * median is printed for CPU, page faults and peak memory, the 10th percentile for wall time, which
 * only gets longer by what else the machine does; behind them the ratios of the first peer to this
 * one. A command that fails ends it all: its times would be of nothing.
 */
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
#define SIDE_MAX 200

enum column { CPU, WALL, FAULTS, MEMORY, COLUMNS };

struct peer {
	char *name, *before, *after;
	char **argv;
	double value[COLUMNS][RUNS_MAX];
};

static struct peer *peers;
static int count, side = 1;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double us(struct timeval t)
{
	return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

__attribute__((noreturn)) static void give_up(const struct peer *p, const char *what, int status)
{
	fprintf(stderr, "measure: %s: %s failed with status %d\n", p->name, what, status);
	exit(1);
}

static void hook(const struct peer *p, const char *line)
{
	char quiet[4096];
	int status;

	if (!*line)
		return;
	snprintf(quiet, sizeof(quiet), "{ %s; } </dev/null >/dev/null", line);
	status = system(quiet);
	if (status)
		give_up(p, line, status);
}

/* A copy of the arguments with the number in place of each %d. */
static char **numbered(char **argv, int number)
{
	int n = 0;
	char **copy;

	while (argv[n])
		n++;
	copy = calloc((size_t)n + 1, sizeof(*copy));
	for (int i = 0; copy && i < n; i++) {
		char *mark = strstr(argv[i], "%d"), text[4096];

		if (mark)
			snprintf(text, sizeof(text), "%.*s%d%s", (int)(mark - argv[i]), argv[i],
				 number, mark + 2);
		copy[i] = mark ? strdup(text) : argv[i];
	}
	return copy;
}

static pid_t begin(char **argv)
{
	pid_t pid = vfork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static void run_once(struct peer *p, int i)
{
	struct rusage use = { 0 };
	double start, wall;
	int status;

	hook(p, p->before);
	start = now_us();
	for (int k = 0; k < side; k++)
		begin(side > 1 ? numbered(p->argv, k) : p->argv);
	for (int k = 0; k < side; k++)
		if (wait4(-1, &status, 0, &use) < 0 || status)
			give_up(p, p->argv[0], status);
	wall = now_us() - start;
	hook(p, p->after);
	if (i < 0)
		return;
	p->value[WALL][i] = wall;
	p->value[CPU][i] = us(use.ru_utime) + us(use.ru_stime);
	p->value[FAULTS][i] = (double)(use.ru_minflt + use.ru_majflt);
	p->value[MEMORY][i] = (double)use.ru_maxrss;
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

static void print_rates(int runs)
{
	double first = 0;

	for (int i = 0; i < count; i++) {
		double rate = side * 1e6 / part(peers[i].value[WALL], runs, 0.1);

		first = i ? first : rate;
		printf("  %-20s %8.0f /s %17.2f\n", peers[i].name, rate, first / rate);
	}
}

static void print_all(int runs)
{
	double first[2] = { 0 };

	for (int i = 0; i < count; i++) {
		double cpu = part(peers[i].value[CPU], runs, 0.5);
		double wall = part(peers[i].value[WALL], runs, 0.1);

		if (i == 0)
			first[0] = cpu, first[1] = wall;
		printf("  %-20s %8.0f %8.0f %8.2f %8.2f %7.0f %7.0f\n", peers[i].name, cpu, wall,
		       first[0] / cpu, first[1] / wall, part(peers[i].value[FAULTS], runs, 0.5),
		       part(peers[i].value[MEMORY], runs, 0.5));
	}
}

static void peer_add(char **arg)
{
	peers[count++] = (struct peer){
		.name = arg[0],
		.before = arg[1],
		.after = arg[2],
		.argv = arg + 3,
	};
}

int main(int argc, char **argv)
{
	int at = argc > 3 && strcmp(argv[1], "-p") == 0 ? 3 : 1;
	int runs = argc > at + 4 ? atoi(argv[at]) : 0;

	if (at == 3)
		side = atoi(argv[2]);
	/* Its memory is that of the process which became the peer, too: no more than it needs. */
	peers = calloc(PEERS_MAX, sizeof(*peers));
	if (!peers || runs < 1 || runs > RUNS_MAX || side < 1 || side > SIDE_MAX) {
		fprintf(stderr, "usage: measure [-p K] N NAME BEFORE AFTER CMD... [--- ...]\n");
		return 64;
	}
	for (int i = at + 1; i + 3 < argc && count < PEERS_MAX; i++) {
		peer_add(argv + i);
		while (i < argc && strcmp(argv[i], "---") != 0)
			i++;
		if (i < argc)
			argv[i] = NULL;
	}
	for (int i = -1; i < runs; i++)
		for (int k = 0; k < count; k++)
			run_once(&peers[k], i);
	if (side > 1)
		print_rates(runs);
	else
		print_all(runs);
	return 0;
}

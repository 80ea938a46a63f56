/*
 * postern-edge: the TLS data plane of a gateway.  See postern-edge(8).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/job.h"
#include "edge/master.h"

enum {
	EXIT_CONFIG = 2,
};

struct options {
	struct master_options master;
	bool is_check;
	bool is_worker; /* started by a master, see job.h */
};

static const char USAGE[] =
	"usage: postern-edge [--config FILE] [--check]\n"
	"  --config FILE  configuration (default /etc/postern/edge.yaml)\n"
	"  --check        read the configuration, say ok, start nothing\n";

/* False: the program ends with *status. */
static bool read_options(struct options *out, int *status, int argc,
			 char **argv)
{
	/* The last two are ours to give, see job.h and handover.h. */
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "worker", no_argument, NULL, 'w' },
		{ "takeover", no_argument, NULL, 't' },
		{ 0 },
	};
	int c;

	*out = (struct options){ .master = { .config = "/etc/postern/edge.yaml",
					     .argv = argv } };
	*status = EXIT_CONFIG;
	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			out->master.config = optarg;
			break;
		case 'k':
			out->is_check = true;
			break;
		case 'w':
			out->is_worker = true;
			break;
		case 't':
			out->master.is_takeover = true;
			break;
		case 'h':
			(void)fputs(USAGE, stdout);
			*status = 0;
			return false;
		default:
			(void)fputs(USAGE, stderr);
			return false;
		}
	}
	if (optind == argc)
		return true;
	(void)fputs(USAGE, stderr);
	return false;
}

static bool check(const char *path)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	char error[CONF_ERROR_MAX];
	struct edge_config config;

	arena_init(&arena, CONF_FILE_MAX);
	if (edge_config_read(&config, &arena, path, error) == RC_OK)
		return true;
	(void)fprintf(stderr, "postern-edge: %s\n", error);
	return false;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (!read_options(&options, &status, argc, argv))
		return status;
	if (options.is_worker)
		return job_main();
	/* In another's place mistakes are told to it, and logged. */
	if (!options.master.is_takeover && !check(options.master.config))
		return EXIT_CONFIG;
	if (options.is_check) {
		(void)puts("ok");
		return EXIT_SUCCESS;
	}
	return master_main(&options.master);
}

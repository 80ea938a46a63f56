/*
 * postern-teesim: plays the CPU, the quoting enclave and Intel's provisioning
 * service for trust domains on a machine without TDX.  See postern-teesim(8).
 */
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sandbox.h"
#include "manifest/manifest.h"
#include "teesim/config.h"
#include "teesim/control.h"
#include "teesim/renewal.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2, /* also a mistake in the configuration */
	ARENA_MAX = 1024 * 1024,
};

#define DEFAULT_CONFIG "/etc/postern/teesim.yaml"

struct options {
	const char *config;
	const char *policy_of; /* image whose policy entry is printed */
	const char *manifest;
	bool only_check, wants_help;
};

static void print_usage(FILE *to)
{
	fputs("usage: postern-teesim [--config FILE] [--check]\n"
	      "       postern-teesim --print-policy IMAGE [--manifest FILE]\n",
	      to);
}

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "print-policy", required_argument, NULL, 'p' },
		{ "manifest", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'c')
			o->config = optarg;
		else if (c == 'k')
			o->only_check = true;
		else if (c == 'p')
			o->policy_of = optarg;
		else if (c == 'm')
			o->manifest = optarg;
		else if (c == 'h')
			o->wants_help = true;
		else
			return false;
	}
	return optind == argc && (!o->manifest || o->policy_of);
}

static void print_register(const char *key, struct span value)
{
	char hex[2 * QUOTE_MR_LEN + 1] = { 0 };
	struct wr w = wr_over(hex, sizeof(hex) - 1);

	text_hex(&w, value);
	printf("    %s: %s\n", key, hex);
}

/* One element of a policy's 'images' list. */
static int print_policy(const struct options *o)
{
	static const char *const keys[][2] = {
		{ "mr_td", "mrtd" },
		{ "rtmr0", "rtmr0" },
		{ "rtmr1", "rtmr1" },
		{ "rtmr2", "rtmr2" },
	};
	AUTO(buf_fini)
	struct buf manifest = { 0 };
	uint8_t config_id[MANIFEST_CONFIG_ID_LEN];
	struct sha384 value;
	enum rc rc;

	buf_init(&manifest, MANIFEST_MAX);
	if (!td_is_name(o->policy_of)) {
		fprintf(stderr, "postern-teesim: %s: not an image's name\n",
			o->policy_of);
		return EXIT_USAGE;
	}
	rc = o->manifest ? file_read(&manifest, o->manifest) : RC_OK;
	if (rc) {
		fprintf(stderr, "postern-teesim: %s: %s\n", o->manifest,
			file_why(rc));
		return EXIT_FAILED;
	}
	printf("  - name: %s # SIMULATED\n", o->policy_of);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		sim_image_register(&value, o->policy_of, keys[i][1]);
		print_register(keys[i][0], SPAN_ARRAY(value.b));
	}
	if (o->manifest) {
		manifest_config_id(config_id, buf_span(&manifest));
		print_register("mr_config_id", SPAN_ARRAY(config_id));
	}
	return EXIT_OK;
}

/* Everything that runs. */
struct teesim {
	const struct config *config;
	struct log log;
	struct loop *loop;
	struct sim_pki pki;
	struct quoter quoter;
	struct sealing sealing;
	struct renewal renewal;
	struct td_list tds;
	struct server control;
};

static void on_signal(void *arg, int signal)
{
	struct teesim *t = arg;

	/* SIGHUP too would stop a program that does not take it; trust domains
	 * come and go through the control socket. */
	if (signal == SIGTERM || signal == SIGINT)
		loop_stop(t->loop);
}

static int complain(const struct teesim *t, const char *what, const char *why)
{
	log_event(&t->log, LOG_ERROR, "start_failed", LSTR("what", what),
		  LSTR("error", why), LSTR("simulated", "true"));
	return EXIT_FAILED;
}

static int launch_all(struct teesim *t)
{
	const struct td_spec *specs = t->config->tds.items;
	char error[TD_ERROR_MAX];

	for (size_t i = 0; i < t->config->tds.count; i++)
		if (td_launch(&t->tds, &specs[i], error))
			return complain(t, specs[i].name, error);
	return EXIT_OK;
}

/* Opens everything; the loop has not run yet. */
static int start(struct teesim *t)
{
	const struct config *c = t->config;
	char error[256];

	if (loop_new(&t->loop) || loop_signals(t->loop, on_signal, t))
		return complain(t, "loop", "no descriptor");
	quoter_init(&t->quoter, t->loop, &t->pki, c->quote_delay_ms);
	t->tds = (struct td_list){
		.loop = t->loop,
		.log = &t->log,
		.quoter = &t->quoter,
		.sealing = &t->sealing,
	};
	t->renewal = (struct renewal){
		.loop = t->loop,
		.log = &t->log,
		.pki = &t->pki,
		.collateral = c->collateral,
		.root = c->root,
	};
	if (sim_pki_open(&t->pki, c->state, clock_unix_s(), error))
		return complain(t, "state", error);
	if (sealing_open(&t->sealing, c->state, error))
		return complain(t, "state", error);
	if (renewal_start(&t->renewal, error))
		return complain(t, "collateral", error);
	if (launch_all(t))
		return EXIT_FAILED;
	if (c->control && control_open(&t->control, c->control, &t->tds)) {
		snprintf(error, sizeof(error), "%m");
		return complain(t, c->control, error);
	}
	return EXIT_OK;
}

/*
 * Gives up what it will not need.  Files stay open to it, because trust domains
 * are launched with paths that are not known yet; that takes root past owners,
 * as it did before.
 */
static int confine(const struct teesim *t)
{
	if (geteuid() == 0 && sandbox_drop(1ull << CAP_DAC_OVERRIDE, NULL))
		return complain(t, "sandbox", "capabilities cannot be dropped");
#ifndef __SANITIZE_ADDRESS__ /* its leak check at the end calls ptrace */
	if (sandbox_seccomp(SANDBOX_NETWORK))
		return complain(t, "sandbox", "system calls not confined");
#endif
	return EXIT_OK;
}

static void stop(struct teesim *t)
{
	if (t->loop) {
		server_close(&t->control);
		td_stop_all(&t->tds);
		renewal_stop(&t->renewal);
		quoter_fini(&t->quoter);
		(void)loop_turn(t->loop, 0); /* frees what was closed */
	}
	loop_free(t->loop);
	sim_pki_fini(&t->pki);
	sealing_wipe(&t->sealing);
}

static int run(const struct config *c)
{
	struct teesim t = {
		.config = c,
		.log = {
			.fd = 2,
			.program = "teesim",
			.max = (enum log_level)c->log,
		},
	};
	int status = EXIT_OK;

	if (sandbox_basics())
		status = complain(&t, "sandbox", "prctl failed");
	if (status == EXIT_OK)
		status = start(&t);
	if (status == EXIT_OK)
		status = confine(&t);
	if (status == EXIT_OK) {
		log_event(&t.log, LOG_INFO, "ready",
			  LU64("tds", t.tds.count), LSTR("root", c->root),
			  LSTR("simulated", "true"));
		if (loop_run(t.loop))
			status = complain(&t, "loop", "epoll failed");
	}
	stop(&t);
	return status;
}

static int load(const struct options *o)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(buf_fini)
	struct buf text = { 0 };
	char error[CONF_ERROR_MAX];
	struct config c;
	enum rc rc;

	arena_init(&arena, ARENA_MAX);
	buf_init(&text, CONF_FILE_MAX);
	rc = file_read(&text, o->config);
	if (rc) {
		fprintf(stderr, "postern-teesim: %s: %s\n", o->config,
			file_why(rc));
		return EXIT_USAGE;
	}
	if (config_read(&c, &arena, o->config, buf_span(&text), error)) {
		fprintf(stderr, "%s\n", error);
		return EXIT_USAGE;
	}
	if (!o->only_check)
		return run(&c);
	puts("ok");
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct options o = { .config = DEFAULT_CONFIG };

	/* Secrets are written with their own modes; this is for the rest. */
	umask(022);
	if (!read_options(&o, argc, argv)) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (o.wants_help) {
		print_usage(stdout);
		return EXIT_OK;
	}
	return o.policy_of ? print_policy(&o) : load(&o);
}

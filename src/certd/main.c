/*
 * postern-cert: certificates whose keys and account were born in the TEE, and
 * the proof of it.
 *
 * Source: docs/DESIGN.md; postern-cert(8).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "certd/confine.h"
#include "certd/monitor.h"
#include "certd/publish.h"
#include "certd/serve.h"
#include "certd/watch.h"
#include "io/file.h"
#include "io/sandbox.h"
#include "keyclient/sealing.h"
#include "node/confinement.h"
#include "node/quoter.h"
#include "seal/hardware.h"

enum {
	SOURCE_WAIT_MS = 15'000,
};

/* Everything that lives as long as the program. */
struct program {
	struct config config;
	struct log log;
	struct runner *runner;
	struct loop *loop;
	struct quote_source *source;
	struct identity identity;
	struct seal *seal;
	struct audit *audit;
	struct custody *custody;
	struct alarm *alarm;
	struct shelf *shelf;
	struct sightings *sightings;
	struct publish *publish;
	struct hold *hold;
	struct since *since;
	struct issuer *issuer;
	struct watch *watch;
	struct monitor *monitor;
	struct serve *serve;
};

static void program_fini(struct program *p)
{
	serve_free(p->serve);
	monitor_free(p->monitor);
	watch_free(p->watch);
	issuer_free(p->issuer);
	hold_close(p->hold);
	since_close(p->since);
	publish_free(p->publish);
	sightings_free(p->sightings);
	shelf_free(p->shelf);
	alarm_free(p->alarm);
	custody_close(p->custody);
	audit_close(p->audit);
	seal_close(p->seal);
	identity_fini(&p->identity);
	quote_source_free(p->source);
	loop_free(p->loop);
	runner_free(p->runner);
	config_fini(&p->config);
}

static void on_signal(void *arg, int signal)
{
	struct program *p = arg;

	if (signal == SIGHUP) {
		issuer_ask(p->issuer, ISSUER_LOOK);
		return;
	}
	log_event(&p->log, LOG_INFO, "stopping", LI64("signal", signal));
	loop_stop(p->loop);
}

/* ---- the start, in the order in which things need each other ---- */

static enum rc open_platform(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct identity_options o = {
		.manifest = p->config.manifest,
		.state = p->config.instance,
		.node = p->config.node,
	};
	char why[256] = "";
	bool is_real;
	enum rc rc = quoter_open(&p->source, p->config.quotes.simulator,
				 SOURCE_WAIT_MS, why);

	if (rc) {
		error_set(error, "quotes: %s", why);
		return rc;
	}
	rc = identity_open(&p->identity, &o, p->source, error);
	if (rc)
		return rc;
	is_real = !quote_source_is_simulated(p->source);
	log_event(&p->log, is_real ? LOG_INFO : LOG_WARN, "quotes",
		  LSTR("source", quote_source_name(p->source)),
		  LSTR("simulated", is_real ? "false" : "true"));
	return RC_OK;
}

static void auto_trust(struct trust **t)
{
	trust_free(*t);
}

static enum rc open_folder(struct program *p,
			   const struct seal_provider *provider,
			   char error[NODE_ERROR_MAX])
{
	char folder[4096], why[SEAL_ERROR_MAX] = "";
	struct seal_options o = { .folder = folder, .provider = provider };
	enum seal_reason reason;

	memcpy(o.app, p->identity.manifest.lineage, sizeof(o.app));
	memcpy(o.instance, p->identity.instance_id, sizeof(o.instance));
	(void)snprintf(folder, sizeof(folder), "%s/sealed", p->config.state);
	reason = seal_open(&p->seal, &o, why);
	if (!reason)
		return RC_OK;
	error_set(error, "sealed files: %s", why);
	return RC_DENIED;
}

/* Asked once, now: what it gives is kept in memory. */
static enum rc open_seal(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct config_kms *kms = &p->config.kms;
	AUTO(auto_trust)
	struct trust *trust = NULL;
	struct keyclient_options options = {
		.addresses = kms->addresses.items,
		.address_count = kms->addresses.count,
		.identity = &p->identity,
		.source = p->source,
	};
	struct keyclient_sealing sealing = { .options = &options };
	struct seal_provider provider = hardware_provider(p->source);
	enum rc rc;

	if (!kms->addresses.count)
		return open_folder(p, &provider, error);
	rc = trust_open(&trust, &kms->trust, p->config.state, error);
	if (rc)
		return rc;
	options.trust = trust;
	memcpy(options.app, kms->app, sizeof(options.app));
	provider = keyclient_seal_provider(&sealing);
	return open_folder(p, &provider, error);
}

static enum rc open_custody(struct program *p, char error[NODE_ERROR_MAX])
{
	struct custody_options o = {
		.source = p->source,
		.eventlog = buf_span(&p->identity.eventlog),
		.state = p->config.state,
	};
	enum rc rc = open_seal(p, error);

	if (!rc)
		rc = audit_open(&p->audit, p->config.state, &p->log, error);
	o.seal = p->seal;
	o.audit = p->audit;
	return rc ? rc : custody_open(&p->custody, &o, error);
}

static void open_publish(struct program *p)
{
	const struct publish_options o = {
		.config = &p->config,
		.log = &p->log,
		.custody = p->custody,
		.audit = p->audit,
		.alarm = p->alarm,
		.shelf = p->shelf,
		.sightings = p->sightings,
		.since = p->since,
		.identity = &p->identity,
		.source = p->source,
	};

	p->publish = publish_new(&o);
}

static enum rc open_hold(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct hold_options o = {
		.config = &p->config,
		.log = &p->log,
		.custody = p->custody,
		.audit = p->audit,
		.alarm = p->alarm,
		.shelf = p->shelf,
	};

	return hold_open(&p->hold, &o, error);
}

static enum rc open_issuer(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct issuer_options o = {
		.config = &p->config,
		.log = &p->log,
		.custody = p->custody,
		.audit = p->audit,
		.alarm = p->alarm,
		.shelf = p->shelf,
		.runner = p->runner,
		.sightings = p->sightings,
		.hold = p->hold,
		.since = p->since,
		.publish = publish_now,
		.arg = p->publish,
	};
	enum rc rc = issuer_new(&p->issuer, &o, error);

	if (!rc)
		publish_of(p->publish, p->issuer);
	return rc;
}

static enum rc open_watch(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct watch_options o = {
		.config = &p->config,
		.log = &p->log,
		.audit = p->audit,
		.alarm = p->alarm,
		.shelf = p->shelf,
		.sightings = p->sightings,
		.issuer = p->issuer,
		.since = p->since,
	};

	return watch_new(&p->watch, &o, error);
}

static enum rc open_monitor(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct monitor_options o = {
		.config = &p->config,
		.log = &p->log,
		.custody = p->custody,
		.audit = p->audit,
		.alarm = p->alarm,
		.shelf = p->shelf,
		.hold = p->hold,
		.sightings = p->sightings,
		.issuer = p->issuer,
		.since = p->since,
	};

	return monitor_new(&p->monitor, &o, error);
}

static enum rc open_serve(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct serve_options o = {
		.loop = p->loop,
		.config = &p->config,
		.log = &p->log,
		.issuer = p->issuer,
		.shelf = p->shelf,
		.alarm = p->alarm,
		.audit = p->audit,
		.custody = p->custody,
		.source = p->source,
		.eventlog = buf_span(&p->identity.eventlog),
	};

	return serve_new(&p->serve, &o, error);
}

static enum rc start_threads(struct program *p, char error[NODE_ERROR_MAX])
{
	enum rc rc = issuer_start(p->issuer);

	if (!rc)
		rc = watch_start(p->watch);
	if (!rc)
		rc = monitor_start(p->monitor);
	if (rc)
		error_set(error, "no thread");
	return rc;
}

static enum rc start(struct program *p, char error[NODE_ERROR_MAX])
{
	const char *const programs[RUNNER_PROGRAMS] = {
		[RUNNER_HOOK] = p->config.dns.hook,
		[RUNNER_ALARM] = p->config.alarm,
	};
	enum rc rc = RC_OK;

	/* Before there is a key, and before anything is given up. */
	if (p->config.may_run)
		rc = runner_new(&p->runner, programs);
	if (!rc)
		rc = loop_new(&p->loop);
	if (!rc)
		rc = loop_signals(p->loop, on_signal, p);
	if (!rc)
		rc = file_make_dirs(p->config.state, 0755);
	if (rc) {
		error_set(error, "%s: %s", p->config.state, strerror(errno));
		return rc;
	}
	rc = open_platform(p, error);
	if (!rc)
		rc = confine(&p->config, &p->log, error);
	if (!rc)
		rc = open_custody(p, error);
	if (rc)
		return rc;
	p->alarm = alarm_new(&p->log, p->audit, p->runner);
	p->shelf = shelf_new();
	p->sightings = sightings_new();
	rc = since_open(&p->since, &p->config, &p->log, p->custody, error);
	if (rc)
		return rc;
	open_publish(p);
	rc = open_hold(p, error);
	if (!rc)
		rc = open_issuer(p, error);
	if (!rc)
		rc = open_watch(p, error);
	if (!rc)
		rc = open_monitor(p, error);
	if (!rc)
		rc = open_serve(p, error);
	if (!rc)
		rc = confinement_calls(error);
	if (!rc)
		rc = start_threads(p, error);
	return rc;
}

int main(int argc, char *argv[])
{
	struct settings_arguments arguments = {
		.config = "/etc/postern/cert.yaml"
	};
	AUTO(program_fini)
	struct program p = { .log = { .fd = 2, .program = "cert" } };
	char error[CONF_ERROR_MAX] = "";

	switch (settings_arguments(&arguments, "postern-cert", argc, argv)) {
	case SETTINGS_GO:
		break;
	case SETTINGS_EXIT_OK:
		return 0;
	case SETTINGS_EXIT_USAGE:
		return 2;
	}
	if (config_load(&p.config, arguments.config, error)) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	if (arguments.only_check) {
		printf("ok\n");
		return 0;
	}
	p.log.max = (enum log_level)p.config.log;
	if (sandbox_basics())
		log_event(&p.log, LOG_WARN, "sandbox_failed",
			  LERRNO("why", errno));
	if (start(&p, error)) {
		log_event(&p.log, LOG_ERROR, "not_started", LSTR("why", error));
		return 1;
	}
	log_event(&p.log, LOG_INFO, "ready",
		  LU64("certificates", p.config.certificates.count));
	if (loop_run(p.loop) == RC_OK)
		return 0;
	log_event(&p.log, LOG_ERROR, "loop_failed", LERRNO("why", errno));
	return 1;
}

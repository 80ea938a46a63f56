/*
 * postern-kms: releases keys to apps that the release policy lists, when they
 * run what it lists.  See postern-kms(8).
 *
 * Source: docs/PROTOCOL.kms.md; docs/DESIGN.md.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "channel/claims.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sandbox.h"
#include "io/vault.h"
#include "kms/api.h"
#include "kms/confine.h"
#include "node/confinement.h"
#include "node/keeper.h"
#include "node/platform.h"

enum {
	TICK_MS = 100,
	GOODBYE_MS = 200,
	PATH_LEN_MAX = 4096,
	ADMIN_MODE = 0600,
};

/* Everything that lives as long as the program. */
struct program {
	struct config config;
	struct log log;
	struct loop *loop;
	struct platform platform;
	struct keeper *keeper;
	struct vault *vault;
	struct keep *keep;
	struct p256_private *audit_key;
	struct journal *journal;
	struct service service;
	struct buf claims;
	struct tls_context *server_tls, *client_tls;
	struct batch *batch;
	struct gate *gate;
	struct peers *peers;
	struct api api;
	struct http_server *admin;
	struct loop_timer tick, end;
};

static void program_fini(struct program *p)
{
	http_server_free(p->admin);
	keeper_free(p->keeper);
	peers_free(p->peers);
	gate_free(p->gate);
	batch_free(p->batch);
	tls_context_free(p->server_tls);
	tls_context_free(p->client_tls);
	buf_fini(&p->claims);
	keys_rate_free(p->service.apps);
	keys_rate_free(p->service.instances);
	keys_rate_free(p->service.sources);
	if (p->service.cluster) {
		keys_cluster_fini(p->service.cluster);
		secret_give(vault_memory(p->vault), p->service.cluster,
			    sizeof(*p->service.cluster));
	}
	journal_free(p->journal);
	p256_private_free(p->audit_key);
	keep_free(p->keep);
	vault_free(p->vault);
	platform_fini(&p->platform);
	loop_free(p->loop);
	config_fini(&p->config);
}

/* ---- what happens later ---- */

/* Goes on until nothing follows from what happened. */
static void go_on(void *arg)
{
	struct program *p = arg;

	/* Where it fails the next tick tries again. */
	if (service_advance(&p->service) || p->service.is_dirty)
		(void)service_commit(&p->service);
	gate_check(p->gate);
	peers_tell(p->peers);
}

static void check_trust(struct program *p, bool now)
{
	if (!platform_poll(&p->platform, now, &p->log))
		return;
	gate_end_all(p->gate);
	peers_end_all(p->peers);
}

static void on_tick(void *arg)
{
	struct program *p = arg;

	check_trust(p, false);
	go_on(p);
	loop_timer_arm(p->loop, &p->tick, loop_now_ms(p->loop) + TICK_MS);
}

static void on_end(void *arg)
{
	struct program *p = arg;

	loop_stop(p->loop);
}

static void on_signal(void *arg, int signal)
{
	struct program *p = arg;

	if (signal == SIGHUP) {
		check_trust(p, true);
		return;
	}
	if (loop_timer_is_armed(&p->end))
		return;
	log_event(&p->log, LOG_INFO, "stopping", LI64("signal", signal));
	gate_shutdown(p->gate);
	loop_timer_arm(p->loop, &p->end, loop_now_ms(p->loop) + GOODBYE_MS);
}

/* ---- the start, in the order in which things need each other ---- */

static enum rc open_platform(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct platform_options options = {
		.identity = { .manifest = p->config.manifest,
			      .state = p->config.state,
			      .node = p->config.node },
		.trust = &p->config.trust,
		.quotes = &p->config.quotes,
		.log = &p->log,
	};

	return platform_open(&p->platform, &options, error);
}

/* Who we are, as another node would see it: from a quote of our own. */
static enum rc measure_self(struct program *p, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf bytes;
	struct keys_subject *own = &p->service.own;
	const struct identity *id = &p->platform.identity;
	struct sha512 report_data;
	struct quote q;
	enum rc rc;

	sha512_of(&report_data, span_str("postern/self-check/v1"));
	buf_init(&bytes, QUOTE_MAX);
	rc = quote_source_get(p->platform.source, &bytes, report_data.b);
	if (!rc && (quote_parse(&q, buf_span(&bytes)) || q.tee != QUOTE_TDX))
		rc = RC_MALFORMED;
	if (rc) {
		error_set(error, "own quote: %s", rc_name(rc));
		return rc;
	}
	memcpy(own->measurement.mr_td, q.td.mr_td.p, KEYS_REGISTER_LEN);
	memcpy(own->measurement.rtmr0, q.td.rtmr[0].p, KEYS_REGISTER_LEN);
	memcpy(own->measurement.rtmr1, q.td.rtmr[1].p, KEYS_REGISTER_LEN);
	memcpy(own->measurement.rtmr2, q.td.rtmr[2].p, KEYS_REGISTER_LEN);
	memcpy(own->app, id->manifest.app_id, sizeof(own->app));
	own->manifest = id->manifest.hash;
	memcpy(own->instance, id->instance_id, sizeof(own->instance));
	own->is_simulated = quote_source_is_simulated(p->platform.source);
	return RC_OK;
}

static bool path_of(char out[PATH_LEN_MAX], const struct program *p,
		    const char *name)
{
	return snprintf(out, PATH_LEN_MAX, "%s/%s", p->config.state, name) <
	       PATH_LEN_MAX;
}

static enum rc open_state(struct program *p, char error[NODE_ERROR_MAX])
{
	char folder[PATH_LEN_MAX], log[PATH_LEN_MAX];
	bool is_new = false;
	enum rc rc;

	if (!path_of(folder, p, "sealed") || !path_of(log, p, "audit.jsonl")) {
		error_set(error, "state: the path is too long");
		return RC_LIMIT;
	}
	rc = keep_open(&p->keep, folder, &p->platform.identity,
		       p->platform.source, error);
	if (!rc)
		rc = keep_audit_key(&p->audit_key, &is_new, p->keep, error);
	if (!rc)
		rc = journal_open(&p->journal, log, p->audit_key, is_new,
				  error);
	if (!rc && !keep_is_lasting(p->keep))
		log_event(&p->log, LOG_WARN, "state_not_kept",
			  LSTR("why", "the platform gives no sealing key"));
	return rc;
}

static enum rc open_service(struct program *p, char error[NODE_ERROR_MAX])
{
	struct service *s = &p->service;
	const struct identity *id = &p->platform.identity;
	char why[KEYS_POLICY_ERROR_MAX] = "";
	enum rc rc;

	s->config = &p->config;
	s->identity = id;
	s->log = &p->log;
	s->keep = p->keep;
	s->journal = p->journal;
	s->apps = keys_rate_new();
	s->instances = keys_rate_new();
	s->sources = keys_rate_new();
	s->refusal_lines = (struct log_limit){ .burst = 32,
					       .interval_ms = 500 };
	s->rate_lines = (struct log_limit){ .burst = 32, .interval_ms = 1000 };
	s->cluster = secret_take(vault_memory(p->vault), sizeof(*s->cluster));
	keys_cluster_init(s->cluster);
	memcpy(s->quorum.own, s->own.instance, sizeof(s->quorum.own));
	rc = keys_authority_read(&s->authority, buf_span(&id->manifest_bytes),
				 why);
	if (rc) {
		error_set(error, "manifest %s: %s", p->config.manifest, why);
		return rc;
	}
	return keep_read(p->keep, s->cluster, &s->authority, error);
}

static enum rc open_channels(struct program *p, char error[NODE_ERROR_MAX])
{
	char why[TLS_ERROR_MAX] = "";
	enum rc rc;

	buf_init(&p->claims, CHANNEL_CLAIMS_MAX);
	rc = identity_claims(&p->claims, &p->platform.identity,
			     KEYS_CHANNEL_PURPOSE);
	if (!rc)
		rc = tls_attested_new(&p->server_tls, true, KEYS_ALPN, why);
	if (!rc)
		rc = tls_attested_new(&p->client_tls, false, KEYS_ALPN, why);
	if (!rc)
		rc = batch_new(&p->batch, p->loop, quoter_quote,
			       p->platform.source);
	if (rc) {
		error_set(error, "channel: %s", why[0] ? why : rc_name(rc));
		return rc;
	}
	batch_set_interval(p->batch, p->config.quote_interval_ms);
	return RC_OK;
}

static enum rc open_gate(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct gate_options gate = {
		.loop = p->loop,
		.tls = p->server_tls,
		.batch = p->batch,
		.trust = p->platform.trust,
		.claims = buf_span(&p->claims),
		.config = &p->config,
		.service = &p->service,
		.committed = go_on,
		.arg = p,
	};
	const struct peers_options peers = {
		.loop = p->loop,
		.tls = p->client_tls,
		.batch = p->batch,
		.trust = p->platform.trust,
		.claims = buf_span(&p->claims),
		.config = &p->config,
		.service = &p->service,
		.answered = go_on,
		.arg = p,
	};
	enum rc rc = gate_new(&p->gate, &gate);

	if (rc) {
		error_set(error, "listen: %s", strerror(errno));
		return rc;
	}
	p->peers = peers_new(&peers);
	return RC_OK;
}

static enum rc open_api(struct program *p, char error[NODE_ERROR_MAX])
{
	enum rc rc;

	p->api = (struct api){
		.service = &p->service,
		.gate = p->gate,
		.peers = p->peers,
		.loop = p->loop,
		.is_simulated = platform_is_simulated(&p->platform),
		.started_ms = clock_boot_ms(),
		.committed = go_on,
		.arg = p,
	};
	p256_private_point(p->audit_key, &p->api.audit_key);
	rc = http_server_new(&p->admin, p->loop, p->config.admin, ADMIN_MODE,
			     api_handle, &p->api);
	if (rc)
		error_set(error, "%s: %s", p->config.admin, strerror(errno));
	return rc;
}

static enum rc start(struct program *p, char error[NODE_ERROR_MAX])
{
	enum rc rc = loop_new(&p->loop);

	if (!rc)
		rc = loop_signals(p->loop, on_signal, p);
	if (rc) {
		error_set(error, "loop: %s", strerror(errno));
		return rc;
	}
	p->vault = vault_new();
	rc = open_platform(p, error);
	if (!rc)
		rc = measure_self(p, error);
	if (!rc)
		rc = open_state(p, error);
	if (!rc)
		rc = open_service(p, error);
	if (!rc)
		rc = confine(&p->config, &p->log, error);
	if (!rc)
		rc = keeper_new(&p->keeper, &p->config.trust, &p->log, error);
	if (!rc)
		rc = open_channels(p, error);
	if (!rc)
		rc = open_gate(p, error);
	if (!rc)
		rc = open_api(p, error);
	if (!rc)
		rc = confinement_calls(error);
	return rc;
}

static int serve_until_told(struct program *p)
{
	char listen[128] = "";
	struct wr w = wr_over(listen, sizeof(listen) - 1);

	sock_addr_write(&w, &p->config.listen);
	if (vault_guards(p->vault) != VAULT_ALL)
		log_event(&p->log, LOG_WARN, "keys_not_guarded",
			  LU64("missing", VAULT_ALL & ~vault_guards(p->vault)));
	p->tick = (struct loop_timer){ .fn = on_tick, .arg = p };
	p->end = (struct loop_timer){ .fn = on_end, .arg = p };
	loop_timer_arm(p->loop, &p->tick, clock_boot_ms());
	log_event(&p->log, LOG_INFO, "ready", LSTR("listen", listen),
		  LU64("epoch", keys_cluster_newest(p->service.cluster)),
		  LSTR("founded", p->service.cluster->is_founded ? "true"
								 : "false"));
	if (loop_run(p->loop) == RC_OK)
		return 0;
	log_event(&p->log, LOG_ERROR, "loop_failed", LERRNO("why", errno));
	return 1;
}

int main(int argc, char *argv[])
{
	struct settings_arguments arguments = {
		.config = "/etc/postern/kms.yaml"
	};
	AUTO(program_fini)
	struct program p = { .log = { .fd = 2, .program = "kms" } };
	char error[CONF_ERROR_MAX] = "";

	switch (settings_arguments(&arguments, "postern-kms", argc, argv)) {
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
	return serve_until_told(&p);
}

/*
 * postern-registrar: attests CVMs, and keeps leases, addresses and WireGuard
 * peers for those that it accepts.
 *
 * Source: docs/DESIGN.md §2, §5; postern-registrar(8).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/sandbox.h"
#include "node/confinement.h"
#include "node/keeper.h"
#include "node/platform.h"
#include "registrar/confine.h"
#include "registrar/serve.h"

enum {
	DEVICE_WAIT_MS = 15000,
	GOODBYE_MS = 300, /* for the last words to the CVMs */
};

/* Everything that lives as long as the program. */
struct program {
	struct config config;
	struct log log;
	struct loop *loop;
	struct platform platform;
	struct keeper *keeper;
	struct store *store;
	struct tunnel *device;
	struct tls_context *tls;
	struct batch *batch;
	struct registry *registry;
	struct gate *gate;
	struct api api;
	struct serve *serve;
	struct loop_timer tick, end;
};

static void program_fini(struct program *p)
{
	serve_free(p->serve);
	live_fini(&p->api.live);
	keeper_free(p->keeper);
	gate_free(p->gate);
	registry_free(p->registry);
	batch_free(p->batch);
	tls_context_free(p->tls);
	tunnel_free(p->device);
	store_close(p->store);
	platform_fini(&p->platform);
	loop_free(p->loop);
	config_fini(&p->config);
}

/* ---- what happens later ---- */

static void check_trust(struct program *p, bool now)
{
	if (platform_poll(&p->platform, now, &p->log))
		registry_judge(p->registry);
}

static void on_tick(void *arg)
{
	struct program *p = arg;

	tunnel_step(p->device, &p->log);
	check_trust(p, false);
	loop_timer_arm(p->loop, &p->tick,
		       loop_now_ms(p->loop) + TUNNEL_STEP_MS);
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

static enum rc open_store(struct program *p, char error[NODE_ERROR_MAX])
{
	char why[256] = "";
	const char *path = p->config.store;
	enum rc rc = store_open(&p->store, path, STORE_WRITE, 0, why);

	if (!rc)
		rc = store_aliases_set(p->store, p->config.aliases.items,
				       p->config.aliases.count);
	if (rc)
		error_set(error, "store %s: %s", path,
			  why[0] ? why : rc_name(rc));
	return rc;
}

static enum rc open_device(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct config_wireguard *wg = &p->config.wireguard;
	const struct tunnel_options options = {
		.interface = wg->interface,
		.listen_port = (uint16_t)wg->listen_port,
		.adopts_key = true,
		.wait_ms = DEVICE_WAIT_MS,
	};
	enum rc rc = tunnel_open(&p->device, &options, error);
	const char *backend;

	if (rc)
		return rc;
	if (tunnel_unguarded(p->device))
		log_event(&p->log, LOG_WARN, "keys_not_guarded",
			  LU64("missing", tunnel_unguarded(p->device)));
	backend = wgctl_backend_name(tunnel_backend(p->device));
	tunnel_set_address(p->device, &wg->address);
	log_event(&p->log, LOG_INFO, "device", LSTR("interface", wg->interface),
		  LSTR("backend", backend),
		  LSTR("key", tunnel_has_adopted(p->device) ? "kept" : "new"));
	return RC_OK;
}

static enum rc open_leases(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct registry_options options = {
		.loop = p->loop,
		.store = p->store,
		.device = p->device,
		.trust = p->platform.trust,
		.config = &p->config,
		.log = &p->log,
		.ended = gate_lease_ended,
	};
	enum rc rc;

	p->registry = registry_new(&options);
	rc = registry_restore(p->registry);
	if (rc)
		error_set(error, "leases: %s", rc_name(rc));
	else /* removes peers that no lease stands for */
		tunnel_check(p->device, &p->log);
	return rc;
}

static enum rc open_gate(struct program *p, char error[NODE_ERROR_MAX])
{
	struct gate_options options = {
		.loop = p->loop,
		.registry = p->registry,
		.store = p->store,
		.device = p->device,
		.trust = p->platform.trust,
		.identity = &p->platform.identity,
		.config = &p->config,
		.log = &p->log,
	};
	char why[TLS_ERROR_MAX] = "";
	enum rc rc = tls_attested_new(&p->tls, true, CHANNEL_ALPN, why);

	if (rc) {
		error_set(error, "tls: %s", why);
		return rc;
	}
	rc = batch_new(&p->batch, p->loop, quoter_quote, p->platform.source);
	if (rc) {
		error_set(error, "quotes: no thread");
		return rc;
	}
	batch_set_interval(p->batch, p->config.quote_interval_ms);
	options.tls = p->tls;
	options.batch = p->batch;
	rc = gate_new(&p->gate, &options);
	if (rc)
		error_set(error, "listen: %s", strerror(errno));
	return rc;
}

static enum rc open_api(struct program *p, char error[NODE_ERROR_MAX])
{
	p->api = (struct api){
		.config = &p->config,
		.identity = &p->platform.identity,
		.registry = p->registry,
		.store = p->store,
		.gate = p->gate,
		.device = p->device,
		.trust = p->platform.trust,
		.quotes_are_simulated =
			quote_source_is_simulated(p->platform.source),
		.started_ms = clock_boot_ms(),
	};
	return serve_new(&p->serve, p->loop, &p->api, error);
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
	rc = open_platform(p, error);
	if (rc)
		return rc;
	rc = open_store(p, error);
	if (!rc)
		rc = open_device(p, error);
	if (!rc)
		rc = open_leases(p, error);
	if (!rc)
		rc = confine(&p->config, &p->log, error);
	if (!rc)
		rc = keeper_new(&p->keeper, &p->config.trust, &p->log, error);
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
	p->tick = (struct loop_timer){ .fn = on_tick, .arg = p };
	p->end = (struct loop_timer){ .fn = on_end, .arg = p };
	loop_timer_arm(p->loop, &p->tick, clock_boot_ms() + TUNNEL_STEP_MS);
	log_event(&p->log, LOG_INFO, "ready", LSTR("listen", listen),
		  LU64("leases", registry_count(p->registry)));
	if (loop_run(p->loop) == RC_OK)
		return 0;
	log_event(&p->log, LOG_ERROR, "loop_failed", LERRNO("why", errno));
	return 1;
}

int main(int argc, char *argv[])
{
	struct settings_arguments arguments = {
		.config = "/etc/postern/registrar.yaml"
	};
	AUTO(program_fini)
	struct program p = { .log = { .fd = 2, .program = "registrar" } };
	char error[CONF_ERROR_MAX] = "";

	switch (settings_arguments(&arguments, "postern-registrar", argc,
				   argv)) {
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

/*
 * postern-agent: brings a CVM's tunnel up and keeps it, closes everything else,
 * and starts the app's containers.
 *
 * Source: docs/DESIGN.md §2, §5; postern-agent(8).
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/guest.h"
#include "agent/ingress.h"
#include "agent/lineage.h"
#include "agent/secrets.h"
#include "agent/serve.h"
#include "agent/storage.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/notify.h"
#include "io/sandbox.h"
#include "node/keeper.h"
#include "node/platform.h"
#include "seal/hardware.h"

#define FIREWALL_ONLY "--firewall-only"
#define CLOSE_STORAGE "--close-storage"

enum {
	DEVICE_WAIT_MS = 15000,
	OVERRIDE_MAX = 64 * 1024,
	GOODBYE_MS = 300, /* for the last words to the gateway */
};

/* Everything that lives as long as the program. */
struct program {
	struct config config;
	struct log log;
	struct loop *loop;
	struct storage storage;
	struct platform platform;
	struct keeper *keeper;
	struct firewall *firewall;
	struct ingress *ingress;
	struct tunnel *device;
	struct measured *measured;
	struct appkeys_simulated own_keys;
	struct appkeys_kms kms;
	struct appkeys keys;
	struct seal_provider seal;
	struct guest *guest;
	struct secrets *secrets;
	struct containers *containers;
	struct tls_context *tls;
	struct batch *batch;
	struct uplink *uplink;
	struct status_sources status;
	struct serve *serve;
	struct loop_timer tick, end;
	bool is_stopping, has_failed;
};

static void program_fini(struct program *p)
{
	serve_free(p->serve);
	keeper_free(p->keeper);
	uplink_free(p->uplink);
	batch_free(p->batch);
	tls_context_free(p->tls);
	containers_free(p->containers);
	guest_free(p->guest);
	secrets_free(p->secrets);
	measured_free(p->measured);
	tunnel_free(p->device);
	ingress_free(p->ingress);
	firewall_free(p->firewall);
	platform_fini(&p->platform);
	loop_free(p->loop);
	config_fini(&p->config);
}

/* ---- what happens later ---- */

static void check_trust(struct program *p, bool now)
{
	if (platform_poll(&p->platform, now, &p->log))
		uplink_judge(p->uplink);
}

/* Nobody can start it again: we have no more the capabilities it takes. */
static void watch_ingress(struct program *p)
{
	if (!p->ingress || p->is_stopping || ingress_is_alive(p->ingress))
		return;
	log_event(&p->log, LOG_ERROR, "ingress_lost");
	p->has_failed = true;
	loop_stop(p->loop);
}

static void on_tick(void *arg)
{
	struct program *p = arg;

	tunnel_step(p->device, &p->log);
	check_trust(p, false);
	watch_ingress(p);
	loop_timer_arm(p->loop, &p->tick,
		       loop_now_ms(p->loop) + TUNNEL_STEP_MS);
}

static void stop_loop(void *arg)
{
	struct program *p = arg;

	loop_stop(p->loop);
}

static void on_end(void *arg)
{
	struct program *p = arg;

	if (p->containers)
		containers_down(p->containers, stop_loop, p);
	else
		stop_loop(p);
}

static void on_signal(void *arg, int signal)
{
	struct program *p = arg;

	if (signal == SIGHUP) {
		check_trust(p, true);
		return;
	}
	if (p->is_stopping)
		return;
	p->is_stopping = true;
	log_event(&p->log, LOG_INFO, "stopping", LI64("signal", signal));
	uplink_shutdown(p->uplink);
	ingress_stop(p->ingress);
	loop_timer_arm(p->loop, &p->end, loop_now_ms(p->loop) + GOODBYE_MS);
}

/* ---- the start: nothing of the network is used before the firewall ---- */

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

/* The first act: whatever fails after it fails behind a closed table. */
static enum rc open_firewall(struct program *p, char error[NODE_ERROR_MAX])
{
	struct firewall_options options = {
		.interface = p->config.wireguard.interface,
		.listen_port = (uint16_t)p->config.wireguard.listen_port,
		.gateway = p->config.gateway.address,
		.kms = p->config.kms.addresses.items,
		.kms_count = p->config.kms.addresses.count,
	};

	/* False without a source: nothing more is opened. */
	(void)settings_source_address(&options.collateral, &p->config.trust);
	if (p->config.firewall)
		return firewall_open(&p->firewall, &options, error);
	log_event(&p->log, LOG_WARN, "firewall_off");
	return RC_OK;
}

/* It takes capabilities that we are about to give up. */
static enum rc open_ingress(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct manifest *m = &p->platform.identity.manifest;
	struct config config = p->config; /* borrows all that it points to */
	enum rc rc;

	if (m->ingress.domain_count == 0)
		return RC_OK;
	log_event(&p->log, LOG_INFO, "ingress",
		  LU64("domains", m->ingress.domain_count));
	/* postern-cert believes the same key service, of what was measured. */
	rc = config_key_service(
		config.kms.app, &p->config,
		buf_span(&p->platform.identity.manifest_bytes), error);
	return rc ? rc : ingress_open(&p->ingress, &config, m, error);
}

static enum rc open_device(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct tunnel_options options = {
		.interface = p->config.wireguard.interface,
		.listen_port = (uint16_t)p->config.wireguard.listen_port,
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
	/* removes the peers of an earlier run */
	tunnel_check(p->device, &p->log);
	log_event(&p->log, LOG_INFO, "device",
		  LSTR("interface", p->config.wireguard.interface),
		  LSTR("backend", backend));
	return RC_OK;
}

/* What the app's containers may ask, and what they are given. */
static enum rc open_guest(struct program *p, char error[NODE_ERROR_MAX])
{
	const struct manifest_guest *rules =
		p->platform.identity.manifest.guest;
	const struct guest_options guest = {
		.loop = p->loop,
		.log = &p->log,
		.identity = &p->platform.identity,
		.measured = p->measured,
		.keys = &p->keys,
		.status = p->config.status,
		.is_simulated = platform_is_simulated(&p->platform),
	};
	const struct secrets_options secrets = {
		.log = &p->log,
		.identity = &p->platform.identity,
		.measured = p->measured,
		.keys = &p->keys,
		.seal = &p->seal,
		.state = p->config.state,
		.envelope = p->config.env,
	};
	enum rc rc = RC_OK;

	/* No container is started, and nothing could be remembered. */
	if (p->storage.is_read_only)
		return RC_OK;
	if (rules && rules->env_count)
		rc = secrets_new(&p->secrets, &secrets, error);
	if (!rc && rules && rules->container_count)
		rc = guest_new(&p->guest, &guest, error);
	return rc;
}

static enum rc open_measured(struct program *p, char error[NODE_ERROR_MAX])
{
	enum rc rc;

	p->measured = measured_new(&p->platform.identity, p->platform.source,
				   p->config.state);
	if (p->config.kms.addresses.count) {
		p->kms.options = (struct keyclient_options){
			.addresses = p->config.kms.addresses.items,
			.address_count = p->config.kms.addresses.count,
			.identity = &p->platform.identity,
			.trust = p->platform.trust,
			.source = p->platform.source,
		};
		p->keys = appkeys_kms(&p->kms);
		p->seal = appkeys_kms_seal(&p->kms);
		return config_key_service(
			p->kms.options.app, &p->config,
			buf_span(&p->platform.identity.manifest_bytes), error);
	}
	rc = config_lineage(&p->config, &p->platform.identity.manifest, error);
	if (rc)
		return rc;
	p->own_keys = (struct appkeys_simulated){
		.source = p->platform.source,
		.identity = &p->platform.identity,
	};
	p->keys = appkeys_simulated(&p->own_keys);
	p->seal = hardware_provider(p->platform.source);
	return RC_OK;
}

static enum rc open_containers(struct program *p, char error[NODE_ERROR_MAX])
{
	struct containers_options options = {
		.loop = p->loop,
		.log = &p->log,
		.manifest = &p->platform.identity.manifest,
		.status = p->config.status,
		.socket = p->config.containers.socket,
		.environment = p->secrets ? secrets_take : NULL,
		.environment_arg = p->secrets,
	};
	AUTO(buf_fini)
	struct buf override = { 0 };

	if (p->config.containers.engine == ENGINE_NONE)
		return RC_OK;
	/* The engine's own folder is there, and nothing can be written. */
	if (p->storage.is_read_only) {
		log_event(&p->log, LOG_WARN, "containers_not_started",
			  LSTR("why", "the data disk is read-only"));
		return RC_OK;
	}
	buf_init(&override, OVERRIDE_MAX);
	if (p->guest && guest_override(p->guest, &override)) {
		error_set(error, "guest API: too many containers");
		return RC_LIMIT;
	}
	options.override = buf_span(&override);
	return containers_new(&p->containers, &options, error);
}

static enum rc open_uplink(struct program *p, char error[NODE_ERROR_MAX])
{
	struct uplink_options options = {
		.loop = p->loop,
		.device = p->device,
		.firewall = p->firewall,
		.trust = p->platform.trust,
		.identity = &p->platform.identity,
		.measured = p->measured,
		.config = &p->config,
		.log = &p->log,
	};
	char why[TLS_ERROR_MAX] = "";
	enum rc rc = tls_attested_new(&p->tls, false, CHANNEL_ALPN, why);

	if (rc) {
		error_set(error, "tls: %s", why);
		return rc;
	}
	rc = batch_new(&p->batch, p->loop, measured_quote, p->measured);
	if (rc) {
		error_set(error, "quotes: no thread");
		return rc;
	}
	options.tls = p->tls;
	options.batch = p->batch;
	p->uplink = uplink_new(&options);
	return RC_OK;
}

static enum rc open_status(struct program *p, char error[NODE_ERROR_MAX])
{
	p->status = (struct status_sources){
		.config = &p->config,
		.identity = &p->platform.identity,
		.uplink = p->uplink,
		.firewall = p->firewall,
		.containers = p->containers,
		.ingress = p->ingress,
		.guest = p->guest,
		.secrets = p->secrets,
		.device = p->device,
		.trust = p->platform.trust,
		.quotes_are_simulated =
			quote_source_is_simulated(p->platform.source),
	};
	return serve_new(&p->serve, p->loop, &p->status, error);
}

/* What is left: the tunnel's interface and the firewall.  Before the first
 * thread, which would keep what it was born with; docker-compose has no more
 * either. */
static enum rc give_up_capabilities(char error[NODE_ERROR_MAX])
{
	if (sandbox_drop(UINT64_C(1) << CAP_NET_ADMIN, NULL) == RC_OK)
		return RC_OK;
	error_set(error, "capabilities: %s", strerror(errno));
	return RC_SYS;
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
	rc = open_firewall(p, error);
	if (!rc)
		rc = storage_open(&p->storage, &p->config, &p->log, error);
	if (!rc)
		rc = open_platform(p, error);
	if (!rc)
		rc = open_measured(p, error);
	if (!rc && p->firewall)
		rc = firewall_set_manifest(p->firewall,
					   &p->platform.identity.manifest,
					   error);
	if (!rc)
		rc = open_ingress(p, error);
	if (!rc)
		rc = open_device(p, error);
	if (!rc)
		rc = give_up_capabilities(error);
	if (!rc)
		rc = keeper_new(&p->keeper, &p->config.trust, &p->log, error);
	/* Before the guest API's thread, which quotes, too. */
	if (!rc)
		rc = lineage_show(&p->platform.identity, &p->keys, &p->log,
				  error);
	if (!rc)
		rc = open_guest(p, error);
	if (!rc)
		rc = open_containers(p, error);
	if (!rc)
		rc = open_uplink(p, error);
	if (!rc)
		rc = open_status(p, error);
	return rc;
}

static int run_until_told(struct program *p)
{
	char gateway[128] = "";
	struct wr w = wr_over(gateway, sizeof(gateway) - 1);

	sock_addr_write(&w, &p->config.gateway.address);
	p->tick = (struct loop_timer){ .fn = on_tick, .arg = p };
	p->end = (struct loop_timer){ .fn = on_end, .arg = p };
	loop_timer_arm(p->loop, &p->tick, clock_boot_ms() + TUNNEL_STEP_MS);
	log_event(&p->log, LOG_INFO, "ready", LSTR("gateway", gateway));
	notify_send("READY=1");
	if (loop_run(p->loop) == RC_OK)
		return p->has_failed;
	log_event(&p->log, LOG_ERROR, "loop_failed", LERRNO("why", errno));
	return 1;
}

static bool is_given(const struct settings_arguments *a, const char *own)
{
	return a->given && strcmp(a->given, own) == 0;
}

/* Before the agent, and before Docker: the closed table and nothing else.  A
 * configuration that cannot be read closes the way to the gateway too. */
static int close_network(struct program *p, bool has_config)
{
	static const struct firewall_options all = { .interface = "wg0" };
	char error[NODE_ERROR_MAX] = "";
	enum rc rc = has_config ? open_firewall(p, error)
				: firewall_open(&p->firewall, &all, error);

	if (rc)
		log_event(&p->log, LOG_ERROR, "firewall_failed",
			  LSTR("why", error));
	return rc ? 1 : 0;
}

/* For whoever ends the machine, when nothing uses the disk any more. */
static int close_storage(const struct program *p)
{
	char error[NODE_ERROR_MAX] = "";
	enum rc rc = storage_close(&p->config, error);

	if (rc)
		log_event(&p->log, LOG_ERROR, "storage_not_closed",
			  LSTR("why", error));
	return rc ? 1 : 0;
}

int main(int argc, char *argv[])
{
	static const char *const own[] = { FIREWALL_ONLY, CLOSE_STORAGE, NULL };
	struct settings_arguments arguments = {
		.config = "/etc/postern/agent.yaml",
		.own = own,
	};
	AUTO(program_fini)
	struct program p = { .log = { .fd = 2, .program = "agent" } };
	char error[CONF_ERROR_MAX] = "";

	switch (settings_arguments(&arguments, "postern-agent", argc, argv)) {
	case SETTINGS_GO:
		break;
	case SETTINGS_EXIT_OK:
		return 0;
	case SETTINGS_EXIT_USAGE:
		return 2;
	}
	if (config_load(&p.config, arguments.config, error)) {
		fprintf(stderr, "%s\n", error);
		if (is_given(&arguments, FIREWALL_ONLY) &&
		    !arguments.only_check)
			(void)close_network(&p, false); /* it has logged */
		return 2;
	}
	if (arguments.only_check) {
		printf("ok\n");
		return 0;
	}
	p.log.max = (enum log_level)p.config.log;
	if (is_given(&arguments, FIREWALL_ONLY))
		return close_network(&p, true);
	if (is_given(&arguments, CLOSE_STORAGE))
		return close_storage(&p);
	if (sandbox_basics())
		log_event(&p.log, LOG_WARN, "sandbox_failed",
			  LERRNO("why", errno));
	if (start(&p, error)) {
		log_event(&p.log, LOG_ERROR, "not_started", LSTR("why", error));
		return 1;
	}
	return run_until_told(&p);
}

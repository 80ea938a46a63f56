#include "registrar/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "io/log.h"
#include "sni/name.h"

static bool check_alias(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	if (!name_is_alias(span_str(text)))
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

/* IPv4 with room for at least two hosts besides the network's own addresses. */
static bool check_network(void *out, const char *text, struct arena *arena)
{
	struct io_prefix p;

	if (!settings_check_prefix(&p, text, arena) || p.is_v6 || p.len < 8 ||
	    p.len > 30)
		return false;
	memcpy(out, &p, sizeof(p));
	return true;
}

static bool check_endpoint(void *out, const char *text, struct arena *arena)
{
	struct sock_addr a;

	if (!settings_check_address(&a, text, arena) ||
	    a.sa.sa_family == AF_UNIX)
		return false;
	memcpy(out, &a, sizeof(a));
	return true;
}

/* clang-format off */
#define IN(of, member) .key = #member, .offset = offsetof(of, member)
#define AT(member) IN(struct config, member)
#define WG(member) IN(struct config_wireguard, member)
#define CHECKED(type_, check_, expected_) \
	.type = (type_), .check = (check_), .expected = (expected_)
#define FROM_TO(type_, min_, max_) \
	.type = (type_), .min = (min_), .max = (max_)

static const struct conf_field app_field = {
	.type = CONF_HEX, .size = STORE_ID_LEN
};

static const struct conf_field alias_fields[] = {
	{ IN(struct store_alias, label), .is_required = true,
	  CHECKED(CONF_CUSTOM, check_alias,
		  SETTINGS_LABEL ", not read as an id or a suffix") },
	{ .key = "app", .offset = offsetof(struct store_alias, app_id),
	  .is_required = true, .type = CONF_HEX, .size = STORE_ID_LEN },
	{ 0 },
};
static const struct conf_field alias_field = {
	.type = CONF_STRUCT,
	.size = sizeof(struct store_alias),
	.fields = alias_fields,
};

static const struct conf_field wireguard_fields[] = {
	{ WG(interface), CHECKED(CONF_STRING, settings_check_interface,
				 SETTINGS_INTERFACE) },
	{ WG(listen_port), FROM_TO(CONF_U64, 1, 65535) },
	{ WG(endpoint), .is_required = true,
	  CHECKED(CONF_CUSTOM, check_endpoint,
		  "an address such as 198.51.100.1:51820") },
	{ WG(address), .is_required = true,
	  CHECKED(CONF_CUSTOM, check_network,
		  "an IPv4 prefix such as 10.88.0.1/16, of length 8 to 30") },
	{ .key = "keepalive", FROM_TO(CONF_MS, 0, 65535000),
	  .offset = offsetof(struct config_wireguard, keepalive_ms) },
	{ 0 },
};

static const struct conf_field fields[] = {
	{ AT(base), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_host, SETTINGS_HOST) },
	{ AT(node), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_label, SETTINGS_LABEL) },
	{ AT(listen), CHECKED(CONF_CUSTOM, settings_check_address,
			      SETTINGS_ADDRESS) },
	{ AT(admin), .type = CONF_STRING },
	{ AT(status), .type = CONF_STRING },
	{ AT(edge), .type = CONF_STRING },
	{ AT(store), .type = CONF_STRING },
	{ AT(state), .type = CONF_STRING },
	{ AT(manifest), .type = CONF_STRING },
	{ AT(trust), .is_required = true, .type = CONF_STRUCT,
	  .fields = settings_trust_fields },
	{ AT(quotes), .type = CONF_STRUCT, .fields = settings_quotes_fields },
	{ AT(wireguard), .is_required = true, .type = CONF_STRUCT,
	  .fields = wireguard_fields },
	{ .key = "lease", .offset = offsetof(struct config, lease_ms),
	  FROM_TO(CONF_MS, 1000, 86400000) },
	{ AT(max_channels), FROM_TO(CONF_U64, 1, 65536) },
	{ .key = "quote_interval", FROM_TO(CONF_MS, 0, 60000),
	  .offset = offsetof(struct config, quote_interval_ms) },
	{ AT(apps), FROM_TO(CONF_LIST, 0, 1024), .element = &app_field },
	{ AT(aliases), FROM_TO(CONF_LIST, 0, 1024), .element = &alias_field },
	{ AT(log), .type = CONF_ENUM, .names = settings_log_names },
	{ 0 },
};

/* clang-format on */

enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX])
{
	struct config c = {
		.admin = "/run/postern/admin.sock",
		.status = "/run/postern/status.sock",
		.edge = "/run/postern/edge-metrics.sock",
		.store = "/var/lib/postern/store",
		.manifest = "/etc/postern/manifest.json",
		.wireguard.interface = "wg0",
		.wireguard.listen_port = 51820,
		.wireguard.keepalive_ms = 25000,
		.lease_ms = 600000,
		.max_channels = 4096,
		.log = LOG_INFO,
	};
	enum rc rc;

	if (!sock_addr_parse(&c.listen,
			     span_str("unix:/run/postern/registrar.sock")))
		return RC_SYS;
	/* 'apps: []' admits none; no such key admits every app. */
	c.apps.count = SIZE_MAX;
	arena_init(&c.arena, SETTINGS_ARENA_MAX);
	rc = settings_load(&c, fields, &c.arena, path, error);
	if (rc) {
		arena_fini(&c.arena);
		return rc;
	}
	c.has_apps = c.apps.count != SIZE_MAX;
	if (!c.has_apps)
		c.apps.count = 0;
	if (!c.state)
		c.state = c.store;
	*out = c;
	return RC_OK;
}

void config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

bool config_admits(const struct config *c, const uint8_t app_id[STORE_ID_LEN])
{
	const uint8_t *ids = c->apps.items;

	for (size_t i = 0; i < c->apps.count; i++)
		if (span_equal(span_of(ids + i * STORE_ID_LEN, STORE_ID_LEN),
			       span_of(app_id, STORE_ID_LEN)))
			return true;
	return !c->has_apps;
}

#include "kms/config.h"

#include <stddef.h>

#include "io/log.h"
#include "keys/policy.h"

/* clang-format off */
#define AT(member) .key = #member, .offset = offsetof(struct config, member)
#define CHECKED(type_, check_, expected_) \
	.type = (type_), .check = (check_), .expected = (expected_)
#define FROM_TO(type_, min_, max_) \
	.type = (type_), .min = (min_), .max = (max_)

static const struct conf_field peer_field = {
	.size = sizeof(struct sock_addr),
	CHECKED(CONF_CUSTOM, settings_check_address, SETTINGS_ADDRESS),
};

static const struct conf_field fields[] = {
	{ AT(node), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_label, SETTINGS_LABEL) },
	{ AT(listen), CHECKED(CONF_CUSTOM, settings_check_address,
			      SETTINGS_ADDRESS) },
	{ AT(admin), .type = CONF_STRING },
	{ AT(manifest), .type = CONF_STRING },
	{ AT(state), .type = CONF_STRING },
	{ AT(peers), FROM_TO(CONF_LIST, 0, KEYS_NODES_MAX),
	  .element = &peer_field },
	{ AT(trust), .is_required = true, .type = CONF_STRUCT,
	  .fields = settings_trust_fields },
	{ AT(quotes), .type = CONF_STRUCT, .fields = settings_quotes_fields },
	{ AT(max_channels), FROM_TO(CONF_U64, 1, 65536) },
	{ .key = "quote_interval", FROM_TO(CONF_MS, 0, 60000),
	  .offset = offsetof(struct config, quote_interval_ms) },
	{ AT(source_per_minute), FROM_TO(CONF_U64, 1, KEYS_RATE_MAX) },
	{ AT(log), .type = CONF_ENUM, .names = settings_log_names },
	{ 0 },
};
/* clang-format on */

enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX])
{
	struct config c = {
		.admin = "/run/postern/kms.sock",
		.manifest = "/etc/postern/kms-manifest.json",
		.state = "/var/lib/postern-kms",
		.max_channels = 4096,
		.source_per_minute = 600,
		.log = LOG_INFO,
	};
	enum rc rc;

	if (!sock_addr_parse(&c.listen, span_str("0.0.0.0:8446")))
		return RC_SYS;
	arena_init(&c.arena, SETTINGS_ARENA_MAX);
	rc = settings_load(&c, fields, &c.arena, path, error);
	if (rc) {
		arena_fini(&c.arena);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

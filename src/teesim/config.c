#include "teesim/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(type, member) .offset = offsetof(struct type, member)
#define NAME_EXPECTED "1 to 63 letters, digits, '-', '_' or '.'"

enum {
	SOCKET_PATH_MAX = 107,
	QUOTE_DELAY_MAX_MS = 30'000,
};

static bool check_name(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return td_is_name(text);
}

static const struct conf_field td_fields[] = {
	{
		.key = "name",
		.type = CONF_STRING,
		AT(td_spec, name),
		.is_required = true,
		.check = check_name,
		.expected = NAME_EXPECTED,
	},
	{
		.key = "socket",
		.type = CONF_STRING,
		AT(td_spec, socket),
		.is_required = true,
		.min = 1,
		.max = SOCKET_PATH_MAX,
	},
	{
		.key = "image",
		.type = CONF_STRING,
		AT(td_spec, image),
		.is_required = true,
		.check = check_name,
		.expected = NAME_EXPECTED,
	},
	{
		.key = "manifest",
		.type = CONF_STRING,
		AT(td_spec, manifest),
		.min = 1,
	},
	{
		.key = "measured",
		.type = CONF_STRING,
		AT(td_spec, measured),
		.min = 1,
	},
	{ .key = "debug", .type = CONF_BOOL, AT(td_spec, is_debug) },
	{ 0 },
};

static const struct conf_field td_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct td_spec),
	.fields = td_fields,
};

/* In the order of enum log_level. */
static const char *const log_levels[] = {
	"error",
	"warn",
	"info",
	"debug",
	NULL,
};

static const struct conf_field fields[] = {
	{ .key = "state", .type = CONF_STRING, AT(config, state), .min = 1 },
	{
		.key = "collateral",
		.type = CONF_STRING,
		AT(config, collateral),
		.min = 1,
	},
	{ .key = "root", .type = CONF_STRING, AT(config, root), .min = 1 },
	{
		.key = "control",
		.type = CONF_STRING,
		AT(config, control),
		.min = 1,
		.max = SOCKET_PATH_MAX,
	},
	{
		.key = "quote_delay",
		.type = CONF_MS,
		AT(config, quote_delay_ms),
		.max = QUOTE_DELAY_MAX_MS,
	},
	{
		.key = "tds",
		.type = CONF_LIST,
		AT(config, tds),
		.max = TD_MAX,
		.element = &td_element,
	},
	{
		.key = "log",
		.type = CONF_ENUM,
		AT(config, log),
		.names = log_levels,
	},
	{ 0 },
};

/* The key in which two trust domains are the same, or NULL. */
static const char *clash(const struct td_spec *a, const struct td_spec *b)
{
	if (strcmp(a->name, b->name) == 0)
		return "name";
	return strcmp(a->socket, b->socket) == 0 ? "socket" : NULL;
}

static enum rc check_unique(const struct config *c, const char *name,
			    char error[CONF_ERROR_MAX])
{
	const struct td_spec *td = c->tds.items;

	for (size_t i = 1; i < c->tds.count; i++) {
		for (size_t k = 0; k < i; k++) {
			const char *key = clash(&td[i], &td[k]);

			if (!key)
				continue;
			snprintf(error, CONF_ERROR_MAX,
				 "%s: tds[%zu].%s: expected another than in"
				 " tds[%zu]",
				 name, i, key, k);
			return RC_MALFORMED;
		}
	}
	return RC_OK;
}

enum rc config_read(struct config *out, struct arena *arena, const char *name,
		    struct span text, char error[CONF_ERROR_MAX])
{
	struct config c = {
		.state = "/var/lib/postern-teesim",
		.collateral = "/var/lib/postern-teesim/collateral",
		.root = "/var/lib/postern-teesim/root.pem",
		.log = LOG_INFO,
	};
	enum rc rc = conf_read(&c, fields, arena, name, text, error);

	if (!rc)
		rc = check_unique(&c, name, error);
	if (!rc)
		*out = c;
	return rc;
}

#include "node/settings.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/sock.h"
#include "io/tun.h"
#include "node/identity.h"

/* A program has one buffer for both. */
static_assert((int)CONF_ERROR_MAX >= (int)NODE_ERROR_MAX);

#define FIELD(of, member) \
	.key = #member, .type = CONF_STRING, .offset = offsetof(of, member)

static bool check_server(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	return pcs_server_parse(out, span_str(text));
}

static bool check_update(void *out, const char *text, struct arena *arena)
{
	struct source_update *update = out;

	(void)arena;
	return pcs_update_parse(&update->kind, &update->evaluation,
				span_str(text));
}

static const struct conf_field platform_field = {
	.type = CONF_HEX,
	.size = PCS_FMSPC_LEN,
};

static const struct conf_field source_fields[] = {
	{ .key = "url",
	  .type = CONF_CUSTOM,
	  .is_required = true,
	  .offset = offsetof(struct source_settings, server),
	  .check = check_server,
	  .expected = "a URL such as " PCS_INTEL },
	{ FIELD(struct source_settings, ca) },
	{ .key = "update",
	  .type = CONF_CUSTOM,
	  .offset = offsetof(struct source_settings, update),
	  .check = check_update,
	  .expected = "early, standard, or an evaluation data number" },
	{ .key = "platforms",
	  .type = CONF_LIST,
	  .offset = offsetof(struct source_settings, platforms),
	  .max = SETTINGS_PLATFORMS_MAX,
	  .element = &platform_field },
	{ 0 },
};

const struct conf_field settings_trust_fields[] = {
	{ FIELD(struct trust_settings, policy), .is_required = true },
	{ FIELD(struct trust_settings, collateral), .is_required = true },
	{ FIELD(struct trust_settings, simulated_root) },
	{ .key = "source",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct trust_settings, source),
	  .fields = source_fields },
	{ 0 },
};

const struct conf_field settings_quotes_fields[] = {
	{ FIELD(struct quotes_settings, simulator) },
	{ 0 },
};

bool settings_has_source(const struct trust_settings *s)
{
	return s->source.server.base[0] != '\0';
}

bool settings_source_address(struct sock_addr *out,
			     const struct trust_settings *s)
{
	struct pcs_endpoint e;
	char text[sizeof(e.host) + 16] = "";

	if (!settings_has_source(s))
		return false;
	pcs_server_endpoint(&e, &s->source.server);
	(void)snprintf(text, sizeof(text),
		       strchr(e.host, ':') ? "[%s]:%u" : "%s:%u", e.host,
		       (unsigned)e.port);
	return sock_addr_parse(out, span_str(text));
}

const char *const settings_log_names[] = { "error", "warn", "info", "debug",
					   NULL };

bool settings_check_address(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	return sock_addr_parse(out, span_str(text));
}

bool settings_check_prefix(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	return io_prefix_parse(out, span_str(text));
}

/* 1..max of a-z, 0-9 and the characters of 'also', '-' not at either end. */
static bool is_made_of(const char *text, size_t max, const char *also)
{
	size_t n = strlen(text);

	if (n == 0 || n > max || text[0] == '-' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    !strchr(also, c))
			return false;
	}
	return true;
}

bool settings_check_label(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return is_made_of(text, 63, "-");
}

bool settings_check_interface(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	/* Stricter than the kernel: the name goes into firewall rules. */
	return is_made_of(text, TUN_NAME_MAX, "-_");
}

bool settings_check_host(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return is_made_of(text, 253, "-.") && text[0] != '.' &&
	       !strstr(text, "..");
}

enum rc settings_load(void *out, const struct conf_field *fields,
		      struct arena *arena, const char *path,
		      char error[CONF_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text;
	enum rc rc;

	buf_init(&text, CONF_FILE_MAX);
	rc = file_read(&text, path);
	if (rc) {
		snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
			 file_why(rc));
		return RC_MALFORMED;
	}
	return conf_read(out, fields, arena, path, buf_span(&text), error);
}

static const char *own_switch(const struct settings_arguments *a,
			      const char *word)
{
	for (size_t i = 0; a->own && a->own[i]; i++)
		if (strcmp(word, a->own[i]) == 0)
			return a->own[i];
	return NULL;
}

enum settings_start settings_arguments(struct settings_arguments *out,
				       const char *program, int argc,
				       char *const argv[])
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			out->config = argv[++i];
		} else if (strcmp(argv[i], "--check") == 0) {
			out->only_check = true;
		} else if (own_switch(out, argv[i])) {
			out->given = own_switch(out, argv[i]);
		} else if (strcmp(argv[i], "--version") == 0) {
			printf("%s %s\n", program, NODE_VERSION);
			return SETTINGS_EXIT_OK;
		} else if (strcmp(argv[i], "--help") == 0) {
			printf("usage: %s [--config FILE] [--check]", program);
			for (size_t k = 0; out->own && out->own[k]; k++)
				printf(" [%s]", out->own[k]);
			printf("\nsee %s(8)\n", program);
			return SETTINGS_EXIT_OK;
		} else {
			fprintf(stderr, "%s: %s: unknown or incomplete option; "
					"try --help\n",
				program, argv[i]);
			return SETTINGS_EXIT_USAGE;
		}
	}
	return SETTINGS_GO;
}

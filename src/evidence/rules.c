#include "evidence/rules.h"

#include <stddef.h>

#include "base/text.h"
#include "conf/conf.h"
#include "evidence/holder.h"

#define S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct span directories[] = {
	S("acme-v02.api.letsencrypt.org"),
};
static const struct span issuers[] = { S("letsencrypt.org") };
static const struct span methods[] = {
	S("dns-01"),
	S("tls-alpn-01"),
	S("dns-account-01"),
	S("dns-persist-01"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct rules rules_default = {
	.directories = directories,
	.directory_count = COUNT(directories),
	.issuers = issuers,
	.issuer_count = COUNT(issuers),
	.methods = methods,
	.method_count = COUNT(methods),
	.sources = RULES_SOURCES,
	.beacon_age_s = RULES_BEACON_AGE_S,
	.caa_reuse_s = RULES_CAA_REUSE_S,
};

struct raw_compose {
	bool is_set;
	uint8_t hash[32];
};
struct raw_app {
	uint8_t app_id[20];
	struct raw_compose compose;
};
struct raw_ca {
	struct conf_list directories, issuers, methods, accounts;
	uint64_t caa_reuse_ms;
};
struct raw_key {
	uint8_t hash[32];
};
/* The file's shape; lists of texts are of struct span. */
struct raw_rules {
	const char *platform, *simulated_root, *witnesses;
	struct conf_list apps, keys, optional;
	struct raw_ca ca;
	int dnssec, report_data;
	uint64_t sources, beacon_age_ms;
};

static bool read_compose(void *out, const char *text, struct arena *arena)
{
	struct raw_compose *c = out;

	(void)arena;
	c->is_set = text_hex_decode(c->hash, sizeof(c->hash), span_str(text));
	return c->is_set;
}

static bool read_word(void *out, const char *text, struct arena *arena)
{
	struct span *word = out;
	struct span s = span_str(text);
	const char *copy;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ';')
			return false;
	copy = arena_dup(arena, s);
	*word = span_of(copy, s.n);
	return copy && s.n;
}

static bool read_uri(void *out, const char *text, struct arena *arena)
{
	return holder_is_uri(span_str(text)) && read_word(out, text, arena);
}

static const char *const dnssec_names[] = { "required", "optional", NULL };
static const char *const mode_names[] = { "with_core", "strict", NULL };

/* clang-format off */
static const struct conf_field word = {
	.type = CONF_CUSTOM, .size = sizeof(struct span), .check = read_word,
	.expected = "a word of printable ASCII without ';'",
};
static const struct conf_field uri = {
	.type = CONF_CUSTOM, .size = sizeof(struct span), .check = read_uri,
	.expected = "an https URI",
};
static const struct conf_field app_fields[] = {
	{ .key = "app_id", .type = CONF_HEX, .is_required = true,
	  .offset = offsetof(struct raw_app, app_id), .size = 20 },
	{ .key = "compose_hash", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_app, compose), .check = read_compose,
	  .expected = "64 hex digits" },
	{ 0 },
};
static const struct conf_field app = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_app),
	.fields = app_fields,
};
static const struct conf_field key = {
	.type = CONF_HEX, .size = sizeof(struct raw_key),
};
static const struct conf_field ca_fields[] = {
	{ .key = "directories", .type = CONF_LIST, .min = 1,
	  .max = RULES_LIST_MAX,
	  .offset = offsetof(struct raw_ca, directories), .element = &word },
	{ .key = "issuers", .type = CONF_LIST, .min = 1, .max = RULES_LIST_MAX,
	  .offset = offsetof(struct raw_ca, issuers), .element = &word },
	{ .key = "methods", .type = CONF_LIST, .min = 1, .max = RULES_LIST_MAX,
	  .offset = offsetof(struct raw_ca, methods), .element = &word },
	{ .key = "accounts", .type = CONF_LIST, .min = 1,
	  .max = RULES_LIST_MAX,
	  .offset = offsetof(struct raw_ca, accounts), .element = &uri },
	{ .key = "caa_reuse", .type = CONF_MS,
	  .offset = offsetof(struct raw_ca, caa_reuse_ms) },
	{ 0 },
};
static const struct conf_field fields[] = {
	{ .key = "platform", .type = CONF_STRING, .min = 1,
	  .offset = offsetof(struct raw_rules, platform) },
	{ .key = "simulated_root", .type = CONF_STRING, .min = 1,
	  .offset = offsetof(struct raw_rules, simulated_root) },
	{ .key = "apps", .type = CONF_LIST, .min = 1, .max = RULES_APPS_MAX,
	  .offset = offsetof(struct raw_rules, apps), .element = &app },
	{ .key = "ca", .type = CONF_STRUCT, .fields = ca_fields,
	  .offset = offsetof(struct raw_rules, ca) },
	{ .key = "dnssec", .type = CONF_ENUM, .names = dnssec_names,
	  .offset = offsetof(struct raw_rules, dnssec) },
	{ .key = "report_data", .type = CONF_ENUM, .names = mode_names,
	  .offset = offsetof(struct raw_rules, report_data) },
	{ .key = "sources", .type = CONF_U64, .min = 1, .max = 16,
	  .offset = offsetof(struct raw_rules, sources) },
	{ .key = "beacon_age", .type = CONF_MS, .min = 1000,
	  .offset = offsetof(struct raw_rules, beacon_age_ms) },
	{ .key = "keys", .type = CONF_LIST, .max = RULES_LIST_MAX,
	  .offset = offsetof(struct raw_rules, keys), .element = &key },
	{ .key = "witnesses", .type = CONF_STRING, .min = 1,
	  .offset = offsetof(struct raw_rules, witnesses) },
	{ .key = "optional", .type = CONF_LIST, .max = 64,
	  .offset = offsetof(struct raw_rules, optional), .element = &word },
	{ 0 },
};
/* clang-format on */

/* A list that is there takes the default's place. */
static void take_words(const struct span **out, size_t *count,
		       const struct conf_list *list)
{
	if (!list->count)
		return;
	*out = list->items;
	*count = list->count;
}

static bool take_apps(struct rules *out, struct arena *arena,
		      const struct conf_list *list)
{
	const struct raw_app *raw = list->items;
	struct rules_app *apps;

	if (!list->count)
		return true;
	apps = arena_new(arena, list->count, sizeof(*apps));
	if (!apps)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		memcpy(apps[i].app_id, raw[i].app_id, sizeof(apps[i].app_id));
		apps[i].has_compose = raw[i].compose.is_set;
		memcpy(apps[i].compose, raw[i].compose.hash,
		       sizeof(apps[i].compose));
	}
	out->apps = apps;
	out->app_count = list->count;
	return true;
}

enum rc rules_read(struct rules *out, struct arena *arena, const char *name,
		   struct span text, char error[RULES_ERROR_MAX])
{
	struct raw_rules raw = {
		.sources = RULES_SOURCES,
		.beacon_age_ms = RULES_BEACON_AGE_S * UINT64_C(1000),
		.ca.caa_reuse_ms = RULES_CAA_REUSE_S * UINT64_C(1000),
	};
	struct rules rules = rules_default;
	enum rc rc = conf_read(&raw, fields, arena, name, text, error);

	if (rc)
		return rc;
	if (!take_apps(&rules, arena, &raw.apps))
		return RC_LIMIT;
	rules.platform = raw.platform;
	rules.simulated_root = raw.simulated_root;
	rules.witnesses = raw.witnesses;
	take_words(&rules.directories, &rules.directory_count,
		   &raw.ca.directories);
	take_words(&rules.issuers, &rules.issuer_count, &raw.ca.issuers);
	take_words(&rules.methods, &rules.method_count, &raw.ca.methods);
	take_words(&rules.accounts, &rules.account_count, &raw.ca.accounts);
	take_words(&rules.optional, &rules.optional_count, &raw.optional);
	rules.is_dnssec_optional = raw.dnssec != 0;
	rules.report_data = (enum rules_mode)raw.report_data;
	rules.sources = (unsigned)raw.sources;
	rules.beacon_age_s = (int64_t)(raw.beacon_age_ms / 1000);
	/* rounded up: a part of a second is no reason to trust earlier */
	rules.caa_reuse_s = (int64_t)((raw.ca.caa_reuse_ms + 999) / 1000);
	rules.keys = raw.keys.items;
	rules.key_count = raw.keys.count;
	*out = rules;
	return RC_OK;
}

bool rules_is_optional(const struct rules *rules, const char *check)
{
	for (size_t i = 0; i < rules->optional_count; i++)
		if (span_equal_str(rules->optional[i], check))
			return true;
	return false;
}

#include "certd/config.h"

#include <stddef.h>
#include <string.h>

#include "acme/account.h"
#include "node/error.h"
#include "io/log.h"
#include "web/exchange.h"

enum {
	DAY_MS = 86'400'000,
	HOUR_MS = 3'600'000,
	MINUTE_MS = 60'000,
};

static bool check_url(void *out, const char *text, struct arena *arena)
{
	struct web_ask ask = { 0 };
	enum rc rc = web_ask_init(&ask, WEB_GET, span_str(text), 0);

	(void)out;
	(void)arena;
	web_ask_fini(&ask);
	return rc == RC_OK && strlen(text) < ACME_URL_MAX;
}

static bool check_name(void *out, const char *text, struct arena *arena)
{
	struct name n;

	(void)out;
	(void)arena;
	return name_read(&n, span_str(text)) == RC_OK;
}

static bool check_contact(void *out, const char *text, struct arena *arena)
{
	size_t n = strlen(text);

	(void)out;
	(void)arena;
	return strncmp(text, "mailto:", 7) == 0 && n > 7 &&
	       n < ACCOUNT_CONTACT_MAX;
}

static bool check_challenge(void *out, const char *text, struct arena *arena)
{
	enum challenge_type type;

	(void)arena;
	if (!challenge_type_of(&type, span_str(text)))
		return false;
	memcpy(out, &type, sizeof(type));
	return true;
}

static bool check_program(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return text[0] == '/';
}

/* clang-format off */
#define IN(of, member) .key = #member, .offset = offsetof(of, member)
#define AT(member) IN(struct config, member)
#define CHECKED(type_, check_, expected_) \
	.type = (type_), .check = (check_), .expected = (expected_)
#define FROM_TO(type_, min_, max_) \
	.type = (type_), .min = (min_), .max = (max_)
#define PROGRAM CHECKED(CONF_STRING, check_program, "an absolute path")
#define URL CHECKED(CONF_STRING, check_url, "a URL")
#define TEXT .type = CONF_STRING, .min = 1

static const struct conf_field name_element = {
	CHECKED(CONF_STRING, check_name,
		"a host name, *.name or an address"),
	.size = sizeof(char *),
};
/* Read as texts; config_load() makes sets of them. */
struct raw_certificate {
	struct conf_list names;
};
static const struct conf_field certificate_fields[] = {
	{ IN(struct raw_certificate, names), .is_required = true,
	  FROM_TO(CONF_LIST, 1, NAMES_MAX), .element = &name_element },
	{ 0 },
};
static const struct conf_field certificate_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct raw_certificate),
	.fields = certificate_fields,
};

static const struct conf_field contact_element = {
	CHECKED(CONF_STRING, check_contact, "a URL such as mailto:a@b.example"),
	.size = sizeof(char *),
};
static const struct conf_field binding_fields[] = {
	{ IN(struct config_binding, kid), .is_required = true, TEXT },
	{ IN(struct config_binding, key_file), .is_required = true, TEXT },
	{ 0 },
};
static const struct conf_field authority_fields[] = {
	{ IN(struct config_authority, directory), .is_required = true, URL },
	{ IN(struct config_authority, ca), TEXT },
	{ IN(struct config_authority, roots), TEXT },
	{ IN(struct config_authority, profile), TEXT,
	  .max = DIRECTORY_PROFILE_MAX - 1 },
	{ IN(struct config_authority, issuer), TEXT },
	{ IN(struct config_authority, contacts),
	  FROM_TO(CONF_LIST, 0, ACCOUNT_CONTACTS_MAX),
	  .element = &contact_element },
	{ IN(struct config_authority, agree), .type = CONF_BOOL },
	{ IN(struct config_authority, binding), .type = CONF_STRUCT,
	  .fields = binding_fields },
	{ 0 },
};
static const struct conf_field authority_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct config_authority),
	.fields = authority_fields,
};

static const struct conf_field challenge_element = {
	CHECKED(CONF_CUSTOM, check_challenge,
		"dns-01, http-01, tls-alpn-01, dns-account-01 or "
		"dns-persist-01"),
	.size = sizeof(enum challenge_type),
};

static const struct conf_field server_element = {
	CHECKED(CONF_CUSTOM, settings_check_address, SETTINGS_ADDRESS),
	.size = sizeof(struct sock_addr),
};
static const struct conf_field update_fields[] = {
	{ IN(struct config_update, server), .is_required = true,
	  CHECKED(CONF_CUSTOM, settings_check_address, SETTINGS_ADDRESS) },
	{ IN(struct config_update, key), .is_required = true, TEXT },
	{ IN(struct config_update, algorithm), TEXT },
	{ IN(struct config_update, secret_file), .is_required = true, TEXT },
	{ 0 },
};
static const struct conf_field dns_fields[] = {
	{ IN(struct config_dns, resolvers), .is_required = true,
	  FROM_TO(CONF_LIST, 1, CONFIG_SERVERS_MAX),
	  .element = &server_element },
	{ IN(struct config_dns, anchors), TEXT },
	{ IN(struct config_dns, port), FROM_TO(CONF_U64, 1, 65535) },
	{ .key = "ttl", .offset = offsetof(struct config_dns, ttl_s),
	  FROM_TO(CONF_U64, 1, 86400) },
	{ .key = "propagation", FROM_TO(CONF_MS, 1000, HOUR_MS),
	  .offset = offsetof(struct config_dns, propagation_ms) },
	{ IN(struct config_dns, update), .type = CONF_STRUCT,
	  .fields = update_fields },
	{ IN(struct config_dns, hook), PROGRAM },
	{ 0 },
};

static const struct conf_field kms_fields[] = {
	{ IN(struct config_kms, addresses), .is_required = true,
	  FROM_TO(CONF_LIST, 1, CONFIG_SERVERS_MAX),
	  .element = &server_element },
	{ IN(struct config_kms, app), .type = CONF_HEX,
	  .size = MANIFEST_ID_LEN },
	{ IN(struct config_kms, trust), .is_required = true,
	  .type = CONF_STRUCT, .fields = settings_trust_fields },
	{ 0 },
};

static const struct conf_field caa_fields[] = {
	{ IN(struct config_caa, pin), .type = CONF_BOOL },
	{ .key = "watch", FROM_TO(CONF_MS, 1000, DAY_MS),
	  .offset = offsetof(struct config_caa, watch_ms) },
	{ IN(struct config_caa, iodef), TEXT },
	{ 0 },
};

static const char *const kinds[] = { "crt.sh", "certspotter", NULL };
static const struct conf_field source_fields[] = {
	{ IN(struct config_source, name), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_label, SETTINGS_LABEL) },
	{ IN(struct config_source, url), .is_required = true, URL },
	{ IN(struct config_source, kind), .is_required = true,
	  .type = CONF_ENUM, .names = kinds },
	{ IN(struct config_source, token_file), TEXT },
	{ 0 },
};
static const struct conf_field source_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct config_source),
	.fields = source_fields,
};
static const struct conf_field ct_fields[] = {
	{ IN(struct config_ct, list), .is_required = true, TEXT },
	{ IN(struct config_ct, list_key), TEXT },
	{ IN(struct config_ct, follow), .type = CONF_BOOL },
	{ IN(struct config_ct, aggregators),
	  FROM_TO(CONF_LIST, 0, CONFIG_SOURCES_MAX),
	  .element = &source_element },
	{ IN(struct config_ct, ca), TEXT },
	{ .key = "interval", FROM_TO(CONF_MS, 1000, DAY_MS),
	  .offset = offsetof(struct config_ct, interval_ms) },
	{ .key = "revocation", FROM_TO(CONF_MS, 1000, DAY_MS),
	  .offset = offsetof(struct config_ct, revocation_ms) },
	{ IN(struct config_ct, stop_on_foreign), .type = CONF_BOOL },
	{ 0 },
};

static const struct conf_field evidence_fields[] = {
	{ IN(struct config_evidence, strict), .type = CONF_BOOL },
	{ .key = "life", FROM_TO(CONF_MS, HOUR_MS, 30ll * DAY_MS),
	  .offset = offsetof(struct config_evidence, life_ms) },
	{ 0 },
};

static const struct conf_field fields[] = {
	{ AT(node), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_label, SETTINGS_LABEL) },
	{ AT(manifest), TEXT },
	{ AT(state), TEXT },
	{ AT(instance), TEXT },
	{ AT(quotes), .type = CONF_STRUCT, .fields = settings_quotes_fields },
	{ AT(kms), .type = CONF_STRUCT, .fields = kms_fields },
	{ AT(collateral), TEXT },
	{ AT(certificates), .is_required = true,
	  FROM_TO(CONF_LIST, 1, CONFIG_CERTIFICATES_MAX),
	  .element = &certificate_element },
	{ AT(authorities), .is_required = true,
	  FROM_TO(CONF_LIST, 1, LEDGER_CAS_MAX),
	  .element = &authority_element },
	{ AT(challenges), .is_required = true,
	  FROM_TO(CONF_LIST, 1, CHALLENGE_TYPES),
	  .element = &challenge_element },
	{ AT(dns), .is_required = true, .type = CONF_STRUCT,
	  .fields = dns_fields },
	{ AT(caa), .type = CONF_STRUCT, .fields = caa_fields },
	{ AT(ct), .type = CONF_STRUCT, .fields = ct_fields },
	{ AT(evidence), .type = CONF_STRUCT, .fields = evidence_fields },
	{ AT(admin), .type = CONF_STRING },
	{ AT(keys), .type = CONF_STRING },
	{ AT(public), .type = CONF_STRING },
	{ AT(metrics), .type = CONF_STRING },
	{ AT(edge), .type = CONF_STRING },
	{ AT(edge_uid), FROM_TO(CONF_U64, 0, UINT32_MAX - 1) },
	{ AT(alarm), PROGRAM },
	{ AT(log), .type = CONF_ENUM, .names = settings_log_names },
	{ 0 },
};
/* clang-format on */

/* Names as their set has them: in order, none twice. */
static bool make_sets(struct config *c, char error[CONF_ERROR_MAX])
{
	const struct raw_certificate *raw = c->certificates.items;
	struct config_certificate *sets;

	sets = arena_new(&c->arena, c->certificates.count, sizeof(*sets));
	for (size_t i = 0; sets && i < c->certificates.count; i++) {
		const char *const *names = raw[i].names.items;

		for (size_t j = 0; j < raw[i].names.count; j++) {
			if (!names_put(&sets[i].names, span_str(names[j])))
				continue;
			error_set(error,
				  "certificates[%zu].names: %s comes twice", i,
				  names[j]);
			return false;
		}
	}
	c->certificates.items = sets;
	return sets != NULL;
}

static struct config defaults(void)
{
	return (struct config){
		.manifest = "/etc/postern/manifest.json",
		.state = "/var/lib/postern/cert",
		.dns = { .anchors = "/usr/share/dns/root.key",
			 .port = 53,
			 .ttl_s = 60,
			 .propagation_ms = 5 * MINUTE_MS },
		.caa = { .pin = true, .watch_ms = 5 * MINUTE_MS, .iodef = "" },
		.ct = { .interval_ms = 5 * MINUTE_MS,
			.revocation_ms = HOUR_MS },
		.evidence = { .life_ms = DAY_MS },
		.admin = "/run/postern/cert.sock",
		.keys = "/run/postern/cert-keys.sock",
		.public = "/run/postern/cert-public.sock",
		.metrics = "",
		.edge = "",
		.log = LOG_INFO,
	};
}

enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX])
{
	struct config c = defaults();
	enum rc rc;

	arena_init(&c.arena, SETTINGS_ARENA_MAX);
	rc = settings_load(&c, fields, &c.arena, path, error);
	if (!rc && !make_sets(&c, error))
		rc = RC_MALFORMED;
	if (rc) {
		arena_fini(&c.arena);
		return rc;
	}
	if (!c.instance)
		c.instance = c.state;
	c.may_run = c.dns.hook || c.alarm;
	*out = c;
	return RC_OK;
}

void config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

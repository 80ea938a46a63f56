#include "agent/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/log.h"
#include "manifest/launch.h"

enum {
	RESOLVERS_MAX = 8,
	SEARCHERS_MAX = 8,
	DAY_MS = 86'400'000,
	KMS_ADDRESSES_MAX = 8,
	VIRTIO_SERIAL_MAX = 20, /* virtio 1.2 §5.2.6.1 */
};

/* "0.1" to "0.9", up to three digits after the point. */
static bool check_fraction(void *out, const char *text, struct arena *arena)
{
	static const uint32_t scale[] = { 0, 100, 10, 1 };
	size_t digits = strlen(text) < 3 ? 0 : strlen(text) - 2;
	uint32_t permille = 0;

	(void)arena;
	if (strncmp(text, "0.", 2) != 0 || digits < 1 || digits > 3)
		return false;
	for (const char *p = text + 2; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		permille = permille * 10 + (uint32_t)(*p - '0');
	}
	permille *= scale[digits];
	if (permille < 250 || permille > 900)
		return false;
	memcpy(out, &permille, sizeof(permille));
	return true;
}

static bool check_gateway(void *out, const char *text, struct arena *arena)
{
	struct sock_addr a;

	if (!settings_check_address(&a, text, arena) ||
	    a.sa.sa_family == AF_UNIX)
		return false;
	memcpy(out, &a, sizeof(a));
	return true;
}

/* As long as the kernel lets one be; or a path. */
static bool check_disk(void *out, const char *text, struct arena *arena)
{
	size_t n = strlen(text);

	(void)out;
	(void)arena;
	return text[0] == '/' ||
	       (n >= 1 && n <= VIRTIO_SERIAL_MAX &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n);
}

static bool check_folder(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return text[0] == '/' && text[1];
}

/* clang-format off */
#define AT(member) .key = #member, .offset = offsetof(struct config, member)
#define IN(group, member) \
	.key = #member, \
	.offset = offsetof(struct config, group.member) - \
		  offsetof(struct config, group)
#define OF(of, member) .key = #member, .offset = offsetof(of, member)
#define TEXT .type = CONF_STRING, .min = 1
#define CHECKED(type_, check_, expected_) \
	.type = (type_), .check = (check_), .expected = (expected_)

static const char *const engine_names[] = { "docker", "none", NULL };

static const struct conf_field gateway_fields[] = {
	{ IN(gateway, address), .is_required = true,
	  CHECKED(CONF_CUSTOM, check_gateway,
		  "an address such as 198.51.100.1:443") },
	{ IN(gateway, name), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_host, SETTINGS_HOST) },
	{ IN(gateway, app), .type = CONF_HEX, .size = MANIFEST_ID_LEN },
	{ 0 },
};

static const struct conf_field wireguard_fields[] = {
	{ IN(wireguard, interface),
	  CHECKED(CONF_STRING, settings_check_interface, SETTINGS_INTERFACE) },
	{ IN(wireguard, listen_port),
	  .type = CONF_U64, .min = 1, .max = 65535 },
	{ 0 },
};

static const struct conf_field containers_fields[] = {
	{ IN(containers, engine), .type = CONF_ENUM, .names = engine_names },
	{ IN(containers, socket), .type = CONF_STRING },
	{ 0 },
};

const char *const config_searchers[] = { "crt.sh", "certspotter", NULL };

static const struct conf_field searcher_fields[] = {
	{ OF(struct config_searcher, name), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_label, SETTINGS_LABEL) },
	{ OF(struct config_searcher, url), .is_required = true, TEXT },
	{ OF(struct config_searcher, kind), .is_required = true,
	  .type = CONF_ENUM, .names = config_searchers },
	{ 0 },
};
static const struct conf_field searcher_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct config_searcher),
	.fields = searcher_fields,
};

static const struct conf_field ct_fields[] = {
	{ OF(struct config_ingress_ct, list), .is_required = true, TEXT },
	{ OF(struct config_ingress_ct, list_key), TEXT },
	{ OF(struct config_ingress_ct, ca), TEXT },
	{ OF(struct config_ingress_ct, follow), .type = CONF_BOOL },
	{ OF(struct config_ingress_ct, aggregators), .type = CONF_LIST,
	  .max = SEARCHERS_MAX, .element = &searcher_element },
	{ .key = "interval",
	  .offset = offsetof(struct config_ingress_ct, interval_ms),
	  .type = CONF_MS, .min = 1000, .max = DAY_MS },
	{ 0 },
};

static const struct conf_field resolver_element = {
	CHECKED(CONF_CUSTOM, settings_check_address, SETTINGS_ADDRESS),
	.size = sizeof(struct sock_addr),
};
static const struct conf_field ingress_fields[] = {
	{ OF(struct config_ingress, directory), TEXT },
	{ OF(struct config_ingress, ca), TEXT },
	{ OF(struct config_ingress, roots), TEXT },
	{ OF(struct config_ingress, resolvers), .type = CONF_LIST,
	  .min = 1, .max = RESOLVERS_MAX, .element = &resolver_element },
	{ OF(struct config_ingress, anchors), TEXT },
	{ OF(struct config_ingress, port),
	  .type = CONF_U64, .min = 1, .max = 65535 },
	{ OF(struct config_ingress, ct), .type = CONF_STRUCT,
	  .fields = ct_fields },
	{ 0 },
};

static const struct conf_field kms_element = {
	CHECKED(CONF_CUSTOM, check_gateway,
		"an address such as 192.0.2.2:8446"),
	.size = sizeof(struct sock_addr),
};

static const struct conf_field kms_fields[] = {
	{ IN(kms, addresses), .is_required = true, .type = CONF_LIST,
	  .min = 1, .max = KMS_ADDRESSES_MAX, .element = &kms_element },
	{ IN(kms, app), .type = CONF_HEX, .size = MANIFEST_ID_LEN },
	{ 0 },
};

static const struct conf_field storage_fields[] = {
	{ IN(storage, device), .is_required = true,
	  CHECKED(CONF_STRING, check_disk,
		  "a path, or the serial of a virtio disk") },
	{ IN(storage, mount),
	  CHECKED(CONF_STRING, check_folder, "a folder's path") },
	{ IN(storage, ready),
	  CHECKED(CONF_STRING, check_folder, "a file's path") },
	{ 0 },
};

static const struct conf_field fields[] = {
	{ AT(node), .is_required = true,
	  CHECKED(CONF_STRING, settings_check_label, SETTINGS_LABEL) },
	{ AT(gateway), .is_required = true, .type = CONF_STRUCT,
	  .fields = gateway_fields },
	{ AT(manifest), .type = CONF_STRING },
	{ AT(state), .type = CONF_STRING },
	{ AT(status), .type = CONF_STRING },
	{ AT(env), .type = CONF_STRING },
	{ AT(trust), .is_required = true, .type = CONF_STRUCT,
	  .fields = settings_trust_fields },
	{ AT(quotes), .type = CONF_STRUCT, .fields = settings_quotes_fields },
	{ AT(wireguard), .type = CONF_STRUCT, .fields = wireguard_fields },
	{ AT(kms), .type = CONF_STRUCT, .fields = kms_fields },
	{ AT(storage), .type = CONF_STRUCT, .fields = storage_fields },
	{ AT(firewall), .type = CONF_BOOL },
	{ AT(ingress), .type = CONF_STRUCT, .fields = ingress_fields },
	{ AT(containers), .type = CONF_STRUCT, .fields = containers_fields },
	{ .key = "renew_at",
	  .offset = offsetof(struct config, renew_at_permille),
	  CHECKED(CONF_CUSTOM, check_fraction, "a fraction from 0.25 to 0.9") },
	{ AT(log), .type = CONF_ENUM, .names = settings_log_names },
	{ 0 },
};

/* clang-format on */

/*
 * The firewall opens to an address; names would need an open way to some DNS
 * server, which answers as the network likes.
 */
static enum rc check_source(const struct config *c, const char *path,
			    char error[CONF_ERROR_MAX])
{
	struct sock_addr address;

	if (!c->firewall || !settings_has_source(&c->trust) ||
	    settings_source_address(&address, &c->trust))
		return RC_OK;
	(void)snprintf(error, CONF_ERROR_MAX,
		       "%s: trust.source.url: expected an address in it such "
		       "as https://192.0.2.7:8081, which the firewall can open "
		       "to",
		       path);
	return RC_MALFORMED;
}

enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX])
{
	struct config c = {
		.manifest = "/etc/postern/manifest.json",
		.state = "/var/lib/postern",
		.status = "/run/postern/agent.sock",
		.env = "/run/postern/env.json",
		.wireguard = { .interface = "wg0", .listen_port = 51821 },
		.storage = { .mount = "/var/lib",
			     .ready = "/run/postern/storage" },
		.firewall = true,
		.ingress = { .port = 53, .ct.interval_ms = 300'000 },
		.containers.engine = ENGINE_DOCKER,
		.containers.socket = "/run/docker.sock",
		.renew_at_permille = 500,
		.log = LOG_INFO,
	};
	enum rc rc;

	arena_init(&c.arena, SETTINGS_ARENA_MAX);
	rc = settings_load(&c, fields, &c.arena, path, error);
	if (!rc)
		rc = check_source(&c, path, error);
	if (rc) {
		arena_fini(&c.arena);
		return rc;
	}
	*out = c;
	return RC_OK;
}

enum rc config_key_service(uint8_t out[MANIFEST_ID_LEN], const struct config *c,
			   struct span manifest, char error[NODE_ERROR_MAX])
{
	AUTO(manifest_launch_fini)
	struct manifest_launch launch = { 0 };
	char why[MANIFEST_ERROR_MAX] = "";
	struct span own = SPAN_ARRAY(c->kms.app);
	struct span measured = SPAN_ARRAY(launch.key_service);
	enum rc rc = manifest_launch_read(&launch, manifest, why);

	if (rc) {
		error_set(error, "manifest: %s", why);
		return rc;
	}
	if (span_is_zero(measured))
		measured = own;
	if (!span_is_zero(own) && !span_equal(own, measured)) {
		error_set(error, "kms.app: the manifest's key_service is "
				 "another");
		return RC_DENIED;
	}
	memcpy(out, measured.p, MANIFEST_ID_LEN);
	return RC_OK;
}

enum rc config_lineage(const struct config *c, const struct manifest *m,
		       char error[NODE_ERROR_MAX])
{
	if (!m->continues || c->kms.addresses.count)
		return RC_OK;
	error_set(error, "manifest: continues: expected a key service, which "
			 "says whether it may; none is configured");
	return RC_DENIED;
}

void config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

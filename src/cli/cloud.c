#include "cli/cloud.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "io/file.h"
#include "io/sock.h"
#include "vm/disk.h"
#include "vm/spec.h"

enum {
	NAME_MAX_LEN = 15, /* IFNAMSIZ - 1 */
	LABEL_MAX_LEN = 63, /* RFC 1035 2.3.4 */
	BASE_MAX_LEN = 180, /* leaves room for a label before it */
	LEASE_MIN_MS = 5 * 1000,
	LEASE_MAX_MS = 24 * 3600 * 1000,
};

bool cloud_is_name(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= NAME_MAX_LEN && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static bool check_name(void *out, const char *text, struct arena *arena)
{
	(void)out, (void)arena;
	return cloud_is_name(text);
}

/* The network in between is 198.51.100.0/24 (RFC 5737), .254 the attacker. */
static bool check_address(void *out, const char *text, struct arena *arena)
{
	struct in_addr a;
	uint32_t host;

	(void)out, (void)arena;
	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	host = ntohl(a.s_addr);
	return host >> 8 == 0xc63364 && (host & 0xff) >= 1 &&
	       (host & 0xff) <= 253;
}

static bool check_gateway(void *out, const char *text, struct arena *arena)
{
	struct sock_addr a;

	(void)out, (void)arena;
	return sock_addr_parse(&a, span_str(text)) && a.sa.sa_family == AF_INET;
}

/* These words go into other programs' YAML as they are. */
static bool is_label(const char *text, size_t n)
{
	static const char ldh[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return n >= 1 && n <= LABEL_MAX_LEN && text[0] != '-' &&
	       text[n - 1] != '-' && strspn(text, ldh) >= n;
}

static bool check_label(void *out, const char *text, struct arena *arena)
{
	(void)out, (void)arena;
	return is_label(text, strlen(text));
}

static bool check_size(void *out, const char *text, struct arena *arena)
{
	uint64_t mib = 0;

	(void)arena;
	if (!vm_size(&mib, text) || mib < DISK_MIN_MIB || mib > DISK_MAX_MIB)
		return false;
	memcpy(out, &mib, sizeof(mib));
	return true;
}

static bool check_base(void *out, const char *text, struct arena *arena)
{
	size_t n;

	(void)out, (void)arena;
	if (strlen(text) > BASE_MAX_LEN)
		return false;
	for (;; text += n + 1) {
		n = strcspn(text, ".");
		if (!is_label(text, n))
			return false;
		if (text[n] == '\0')
			return true;
	}
}

#define NAME(k, of, member) \
	{ \
		.key = (k), .type = CONF_STRING, .is_required = true, \
		.offset = offsetof(of, member), .check = check_name, \
		.expected = "1 to 15 of a-z, 0-9 and '-'" \
	}
#define ADDRESS(of) \
	{ \
		.key = "address", .type = CONF_STRING, .is_required = true, \
		.offset = offsetof(of, address), .check = check_address, \
		.expected = "an address between 198.51.100.1 and " \
			    "198.51.100.253" \
	}
#define TEXT(k, of, member, is_valid, is) \
	{ \
		.key = (k), .type = CONF_STRING, .is_required = true, \
		.offset = offsetof(of, member), .check = (is_valid), \
		.expected = (is) \
	}
#define LABEL(k, of, member) \
	TEXT(k, of, member, check_label, "1 to 63 of a-z, 0-9 and '-'")
#define FILE_NAME(k, of, member) TEXT(k, of, member, NULL, NULL)
#define FLAG(k, of, member) \
	{ \
		.key = (k), .type = CONF_BOOL, \
		.offset = offsetof(of, member) \
	}

static const struct conf_field gateway_fields[] = {
	NAME("name", struct cloud_gateway, name),
	ADDRESS(struct cloud_gateway),
	LABEL("image", struct cloud_gateway, image),
	LABEL("accepts", struct cloud_gateway, accepts),
	FILE_NAME("manifest", struct cloud_gateway, manifest),
	FLAG("public", struct cloud_gateway, is_public),
	{ 0 },
};

static const struct conf_field kms_fields[] = {
	NAME("name", struct cloud_kms, name),
	ADDRESS(struct cloud_kms),
	LABEL("image", struct cloud_kms, image),
	{ 0 },
};

static const char *const expectations[] = { "tunnel", "refused", "nothing",
					    NULL };

static const char *const engines[] = { "docker", "none", NULL };

static const struct conf_field context_element = {
	.type = CONF_STRING,
	.size = sizeof(const char *),
};

static const struct conf_field cvm_fields[] = {
	NAME("name", struct cloud_cvm, name),
	ADDRESS(struct cloud_cvm),
	LABEL("image", struct cloud_cvm, image),
	FILE_NAME("manifest", struct cloud_cvm, manifest),
	TEXT("gateway", struct cloud_cvm, gateway, check_gateway,
	     "an address and port such as 198.51.100.1:443"),
	LABEL("accepts", struct cloud_cvm, accepts),
	{ .key = "alias",
	  .type = CONF_STRING,
	  .offset = offsetof(struct cloud_cvm, alias),
	  .check = check_label,
	  .expected = "1 to 63 of a-z, 0-9 and '-'" },
	FLAG("debug", struct cloud_cvm, is_debug),
	{ .key = "engine",
	  .type = CONF_ENUM,
	  .offset = offsetof(struct cloud_cvm, engine),
	  .names = engines,
	  .expected = "docker or none" },
	{ .key = "data",
	  .type = CONF_CUSTOM,
	  .size = sizeof(uint64_t),
	  .offset = offsetof(struct cloud_cvm, data_mib),
	  .check = check_size,
	  .expected = "a size such as 64M or 2G" },
	{ .key = "expect",
	  .type = CONF_ENUM,
	  .offset = offsetof(struct cloud_cvm, expect),
	  .names = expectations,
	  .expected = "tunnel, refused or nothing" },
	{ .key = "contexts",
	  .type = CONF_LIST,
	  .offset = offsetof(struct cloud_cvm, contexts),
	  .max = CLOUD_CONTEXTS_MAX,
	  .element = &context_element },
	{ 0 },
};

static const struct conf_field gateway_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct cloud_gateway),
	.fields = gateway_fields,
};
static const struct conf_field cvm_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct cloud_cvm),
	.fields = cvm_fields,
};

static const struct conf_field kms_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct cloud_kms),
	.fields = kms_fields,
};

static const struct conf_field cloud_fields[] = {
	NAME("name", struct cloud, name),
	TEXT("base", struct cloud, base, check_base,
	     "a domain name such as postern.localhost"),
	{ .key = "world",
	  .type = CONF_STRING,
	  .offset = offsetof(struct cloud, world) },
	{ .key = "lease",
	  .type = CONF_MS,
	  .offset = offsetof(struct cloud, lease_ms),
	  .min = LEASE_MIN_MS,
	  .max = LEASE_MAX_MS },
	{ .key = "gateways",
	  .type = CONF_LIST,
	  .is_required = true,
	  .offset = offsetof(struct cloud, gateways),
	  .min = 1,
	  .max = CLOUD_GATEWAYS_MAX,
	  .element = &gateway_element },
	{ .key = "cvms",
	  .type = CONF_LIST,
	  .offset = offsetof(struct cloud, cvms),
	  .max = CLOUD_CVMS_MAX,
	  .element = &cvm_element },
	{ .key = "kms",
	  .type = CONF_LIST,
	  .offset = offsetof(struct cloud, kms),
	  .min = 1,
	  .max = CLOUD_KMS_MAX,
	  .element = &kms_element },
	{ 0 },
};

const struct cloud_gateway *cloud_gateway(const struct cloud *c, size_t i)
{
	return (const struct cloud_gateway *)c->gateways.items + i;
}

const struct cloud_cvm *cloud_cvm(const struct cloud *c, size_t i)
{
	return (const struct cloud_cvm *)c->cvms.items + i;
}

const struct cloud_kms *cloud_kms(const struct cloud *c, size_t i)
{
	return (const struct cloud_kms *)c->kms.items + i;
}

static bool have_same_place(const char *name_a, const char *address_a,
			    const char *name_b, const char *address_b)
{
	return strcmp(name_a, name_b) == 0 || strcmp(address_a, address_b) == 0;
}

/* The name and address of node i: gateways, then CVMs, then the key service. */
static void node_place(const struct cloud *c, size_t i, const char **name,
		       const char **address)
{
	if (i < c->gateways.count) {
		*name = cloud_gateway(c, i)->name;
		*address = cloud_gateway(c, i)->address;
		return;
	}
	i -= c->gateways.count;
	if (i < c->cvms.count) {
		*name = cloud_cvm(c, i)->name;
		*address = cloud_cvm(c, i)->address;
		return;
	}
	*name = cloud_kms(c, i - c->cvms.count)->name;
	*address = cloud_kms(c, i - c->cvms.count)->address;
}

static enum rc check_apart(const struct cloud *c, const char *path,
			   char error[CONF_ERROR_MAX])
{
	size_t count = c->gateways.count + c->cvms.count + c->kms.count;

	for (size_t i = 0; i < count; i++) {
		const char *name, *address;

		node_place(c, i, &name, &address);
		if (strcmp(name, "platform") == 0 ||
		    strcmp(name, "hostile") == 0) {
			(void)snprintf(error, CONF_ERROR_MAX,
				       "%s: a node cannot be called %s: that "
				       "one is always there",
				       path, name);
			return RC_MALFORMED;
		}
		for (size_t k = 0; k < i; k++) {
			const char *other, *there;

			node_place(c, k, &other, &there);
			if (!have_same_place(name, address, other, there))
				continue;
			(void)snprintf(error, CONF_ERROR_MAX,
				       "%s: %s and %s need different names and "
				       "addresses",
				       path, other, name);
			return RC_MALFORMED;
		}
	}
	return RC_OK;
}

static enum rc check_one_public(const struct cloud *c, const char *path,
				char error[CONF_ERROR_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < c->gateways.count; i++)
		count += cloud_gateway(c, i)->is_public;
	if (count == 1)
		return RC_OK;
	(void)snprintf(error, CONF_ERROR_MAX,
		       "%s: gateways: exactly one says public: true", path);
	return RC_MALFORMED;
}

/* Paths are relative to the file; what they name is found from anywhere. */
static void resolve(const char **path, const char *file, struct arena *arena)
{
	const char *slash = strrchr(file, '/');
	const char *whole = *path;
	char *real;

	if (**path != '/' && slash)
		whole = fmt(arena, "%.*s/%s", (int)(slash - file), file, *path);
	real = realpath(whole, NULL);
	*path = fmt(arena, "%s", real ? real : whole);
	free(real);
}

static void resolve_all(struct cloud *c, const char *file, struct arena *arena)
{
	if (c->world)
		resolve(&c->world, file, arena);
	for (size_t i = 0; i < c->gateways.count; i++) {
		struct cloud_gateway *g = c->gateways.items;

		resolve(&g[i].manifest, file, arena);
	}
	for (size_t i = 0; i < c->cvms.count; i++) {
		struct cloud_cvm *v = (struct cloud_cvm *)c->cvms.items + i;
		const char **contexts = v->contexts.items;

		resolve(&v->manifest, file, arena);
		for (size_t k = 0; k < v->contexts.count; k++)
			resolve(&contexts[k], file, arena);
	}
}

enum rc cloud_read(struct cloud *out, struct arena *arena, const char *path,
		   char error[CONF_ERROR_MAX])
{
	struct cloud c = { .lease_ms = 10 * 60 * 1000 };
	AUTO(buf_fini)
	struct buf text = { 0 };
	enum rc rc;

	buf_init(&text, CONF_FILE_MAX);
	rc = file_read(&text, path);
	if (rc) {
		(void)snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
			       file_why(rc));
		return rc;
	}
	rc = conf_read(&c, cloud_fields, arena, path, buf_span(&text), error);
	if (rc)
		return rc;
	rc = check_apart(&c, path, error);
	if (!rc)
		rc = check_one_public(&c, path, error);
	if (rc)
		return rc;
	resolve_all(&c, path, arena);
	*out = c;
	return RC_OK;
}

static enum rc check_file(const char *node, const char *key, const char *file,
			  int mode, const char *path,
			  char error[CONF_ERROR_MAX])
{
	struct stat st;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else if (access(file, mode) == 0)
		return RC_OK;
	(void)snprintf(error, CONF_ERROR_MAX, "%s: %s: %s: %.200s: %s", path,
		       node, key, file, strerror(errno));
	return RC_SYS;
}

static enum rc check_contexts(const struct cloud_cvm *v, const char *path,
			      char error[CONF_ERROR_MAX])
{
	const char *const *contexts = v->contexts.items;

	for (size_t i = 0; i < v->contexts.count; i++) {
		char script[PATH_MAX];
		enum rc rc;

		(void)snprintf(script, sizeof(script), "%s/context",
			       contexts[i]);
		rc = check_file(v->name, "contexts", script, X_OK, path, error);
		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc cloud_check_files(const struct cloud *c, const char *path,
			  char error[CONF_ERROR_MAX])
{
	enum rc rc = RC_OK;

	if (c->world)
		rc = check_file(c->name, "world", c->world, X_OK, path, error);
	for (size_t i = 0; !rc && i < c->gateways.count; i++)
		rc = check_file(cloud_gateway(c, i)->name, "manifest",
				cloud_gateway(c, i)->manifest, R_OK, path,
				error);
	for (size_t i = 0; !rc && i < c->cvms.count; i++) {
		const struct cloud_cvm *v = cloud_cvm(c, i);

		rc = check_file(v->name, "manifest", v->manifest, R_OK, path,
				error);
		if (!rc)
			rc = check_contexts(v, path, error);
	}
	return rc;
}

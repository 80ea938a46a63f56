#include "manifest/manifest.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "manifest/guest_read.h"
#include "manifest/lineage.h"

enum {
	/* dstack's two numeric generations; the keys read here mean the same */
	VERSION_MIN = 1,
	VERSION_MAX = 2,
	INTERVAL_DEFAULT = 10, /* seconds */
	/* dstack's MRCONFIGID form: one byte of version, then the hash */
	CONFIG_ID_V1 = 0x01,
};

static const char TWICE[] = "listed twice";

static void json_done(json_t **j)
{
	json_decref(*j);
}

static enum rc refuse(char error[MANIFEST_ERROR_MAX], const char *key,
		      const char *expected)
{
	(void)snprintf(error, MANIFEST_ERROR_MAX, "%s: %s", key, expected);
	return RC_MALFORMED;
}

/* As refuse(), of one entry of a list: "ports[2].port: ..." */
static enum rc refuse_at(char error[MANIFEST_ERROR_MAX], const char *list,
			 size_t i, const char *member, const char *expected)
{
	(void)snprintf(error, MANIFEST_ERROR_MAX, "%s[%zu]%s: %s", list, i,
		       member, expected);
	return RC_MALFORMED;
}

static enum rc read_name(struct manifest *m, const json_t *root, char *error)
{
	const char *name = json_string_value(json_object_get(root, "name"));

	if (!name || !domain_is_label(name, strlen(name)))
		return refuse(error, "name",
			      "expected 1 to 63 of a-z 0-9 -, no - at an end");
	memcpy(m->name, name, strlen(name) + 1);
	return RC_OK;
}

static enum rc read_version(const json_t *root, char *error)
{
	const json_t *v = json_object_get(root, "manifest_version");

	if (!json_is_integer(v) || json_integer_value(v) < VERSION_MIN ||
	    json_integer_value(v) > VERSION_MAX)
		return refuse(error, "manifest_version", "expected 1 or 2");
	return RC_OK;
}

/* A runner needs its file and the file a runner: what one of them meant alone
 * would be our guess. */
static enum rc read_compose(struct manifest *m, const json_t *root, char *error)
{
	const json_t *runner = json_object_get(root, "runner");
	const json_t *file = json_object_get(root, "docker_compose_file");
	const char *name = json_string_value(runner);

	if (!runner && !file)
		return RC_OK;
	if (name && strcmp(name, "none") == 0 && !file)
		return RC_OK;
	if (!name || strcmp(name, "docker-compose") != 0)
		return refuse(error, "runner",
			      "expected \"docker-compose\", or \"none\" "
			      "without a docker_compose_file");
	if (!json_is_string(file) || json_string_length(file) == 0)
		return refuse(error, "docker_compose_file",
			      "expected the compose file's text");
	m->compose = mem_dup(json_string_value(file));
	return RC_OK;
}

static bool protocol_of(enum manifest_protocol *out, const json_t *name)
{
	static const struct {
		const char *name;
		enum manifest_protocol protocol;
	} table[] = {
		{ "http", MANIFEST_HTTP },
		{ "h2", MANIFEST_H2 },
		{ "tcp", MANIFEST_TCP },
		{ "tls", MANIFEST_TLS },
	};

	if (!json_is_string(name))
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, json_string_value(name)) == 0) {
			*out = table[i].protocol;
			return true;
		}
	}
	return false;
}

/* Visible ASCII from '/': what can stand in a request line as it is. */
static bool is_path(const char *s)
{
	if (s[0] != '/' || strlen(s) >= MANIFEST_PATH_MAX)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static bool read_check_type(struct manifest_port *p, const json_t *health)
{
	const char *type = json_string_value(json_object_get(health, "type"));
	const json_t *path = json_object_get(health, "path");
	const char *text = path ? json_string_value(path) : "/";

	if (!type)
		return false;
	if (strcmp(type, "tcp") == 0) {
		p->check = MANIFEST_CHECK_TCP;
		return !path;
	}
	/* Plain HTTP/1.1 says nothing to a port that speaks otherwise. */
	if (strcmp(type, "http") != 0 || !text || !is_path(text) ||
	    p->protocol == MANIFEST_TLS || p->protocol == MANIFEST_H2)
		return false;
	p->check = MANIFEST_CHECK_HTTP;
	memcpy(p->path, text, strlen(text) + 1);
	return true;
}

static enum rc read_health(struct manifest_port *p, const json_t *entry,
			   size_t i, char *error)
{
	const json_t *health = json_object_get(entry, "health");
	const json_t *interval = json_object_get(health, "interval");
	json_int_t seconds = INTERVAL_DEFAULT;

	if (!health)
		return RC_OK;
	if (!read_check_type(p, health))
		return refuse_at(error, "ports", i, ".health",
				 "expected {\"type\": \"tcp\"}, or with http "
				 "or tcp "
				 "{\"type\": \"http\", \"path\": \"/...\"}");
	if (interval) {
		seconds = json_integer_value(interval);
		if (!json_is_integer(interval) || seconds < 1 ||
		    seconds > MANIFEST_INTERVAL_MAX)
			return refuse_at(error, "ports", i, ".health.interval",
					 "expected 1 to 3600 seconds");
	}
	p->interval_s = (uint32_t)seconds;
	return RC_OK;
}

static bool read_pp(unsigned *version, const json_t *pp)
{
	if (json_is_boolean(pp)) {
		*version = json_is_true(pp) ? 2 : 0;
		return true;
	}
	*version = (unsigned)json_integer_value(pp);
	return json_is_integer(pp) && (json_integer_value(pp) == 1 ||
				       json_integer_value(pp) == 2);
}

/* What the gateway does to requests, where it reads them. */
static enum rc read_http(struct manifest_port *p, const json_t *entry,
			 size_t i, char *error)
{
	const json_t *forwarded = json_object_get(entry, "forwarded");
	const json_t *host = json_object_get(entry, "host");
	bool is_http = p->protocol == MANIFEST_HTTP ||
		       p->protocol == MANIFEST_H2;

	if (forwarded && !json_is_boolean(forwarded))
		return refuse_at(error, "ports", i, ".forwarded",
				 "expected true or false");
	p->is_forwarding = json_is_true(forwarded);
	if (p->is_forwarding && !is_http)
		return refuse_at(error, "ports", i, ".forwarded",
				 "expected with http or h2 only");
	p->is_any_host = host != NULL;
	if (host && (!is_http || !json_is_string(host) ||
		     strcmp(json_string_value(host), "any") != 0))
		return refuse_at(error, "ports", i, ".host",
				 "expected \"any\", with http or h2 only");
	return RC_OK;
}

static enum rc read_port(struct manifest_port *out, const json_t *entry,
			 size_t i, char *error)
{
	const json_t *port = json_object_get(entry, "port");
	const json_t *protocol = json_object_get(entry, "protocol");
	const json_t *pp = json_object_get(entry, "pp");
	struct manifest_port p = { .protocol = MANIFEST_HTTP };
	enum rc rc;

	if (!json_is_integer(port) || json_integer_value(port) < 1 ||
	    json_integer_value(port) > UINT16_MAX)
		return refuse_at(error, "ports", i, ".port",
				 "expected 1 to 65535");
	if (protocol && !protocol_of(&p.protocol, protocol))
		return refuse_at(error, "ports", i, ".protocol",
				 "expected http, h2, tcp or tls");
	if (pp && !read_pp(&p.proxy_protocol, pp))
		return refuse_at(error, "ports", i, ".pp",
				 "expected true, false, 1 or 2");
	p.port = (uint16_t)json_integer_value(port);
	rc = read_health(&p, entry, i, error);
	if (!rc)
		rc = read_http(&p, entry, i, error);
	if (rc)
		return rc;
	*out = p;
	return RC_OK;
}

static enum rc read_ports(struct manifest *m, const json_t *root, char *error)
{
	const json_t *list = json_object_get(root, "ports");
	size_t checks = 0;
	enum rc rc;

	if (!list)
		return RC_OK;
	if (!json_is_array(list) ||
	    json_array_size(list) > MANIFEST_PORTS_MAX)
		return refuse(error, "ports", "expected a list of at most 32");
	for (size_t i = 0; i < json_array_size(list); i++) {
		rc = read_port(&m->ports[i], json_array_get(list, i), i, error);
		if (rc)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (m->ports[k].port == m->ports[i].port)
				return refuse_at(error, "ports", i, ".port",
						 TWICE);
		if (m->ports[i].check != MANIFEST_NO_CHECK &&
		    ++checks > MANIFEST_CHECKS_MAX)
			return refuse_at(error, "ports", i, ".health",
					 "expected at most 8 of them");
	}
	m->port_count = json_array_size(list);
	return RC_OK;
}

static enum rc read_domains(struct manifest *m, const json_t *root, char *error)
{
	const json_t *list = json_object_get(root, "domains");

	if (!list)
		return RC_OK;
	if (!json_is_array(list) ||
	    json_array_size(list) > MANIFEST_DOMAINS_MAX)
		return refuse(error, "domains",
			      "expected a list of at most 32");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (!s || !domain_is(s))
			return refuse_at(error, "domains", i, "",
					 "expected a lower-case host name, "
					 "or *. before one");
		for (size_t k = 0; k < i; k++)
			if (strcmp(m->domains[k], s) == 0)
				return refuse_at(error, "domains", i, "",
						 TWICE);
		memcpy(m->domains[i], s, strlen(s) + 1);
	}
	m->domain_count = json_array_size(list);
	m->lists_domains = true;
	return RC_OK;
}

static enum rc read_egress(struct manifest *m, const json_t *root, char *error)
{
	const json_t *egress = json_object_get(root, "egress");

	if (egress && !json_is_boolean(egress))
		return refuse(error, "egress", "expected true or false");
	m->allows_egress = json_is_true(egress);
	return RC_OK;
}

/* The listener that the ingress is: listed by it, unless the list has it. */
static enum rc add_ingress_port(struct manifest *m, char *error)
{
	for (size_t i = 0; i < m->port_count; i++) {
		if (m->ports[i].port != INGRESS_PORT)
			continue;
		if (m->ports[i].protocol == MANIFEST_TLS)
			return RC_OK;
		return refuse_at(error, "ports", i, ".protocol",
				 "expected tls, as the ingress is there");
	}
	if (m->port_count == MANIFEST_PORTS_MAX)
		return refuse(error, "ports",
			      "expected at most 31 beside an ingress");
	m->ports[m->port_count++] = (struct manifest_port){
		.port = INGRESS_PORT,
		.protocol = MANIFEST_TLS,
		.proxy_protocol = 2,
	};
	return RC_OK;
}

static bool is_covered(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->domain_count; i++)
		if (domain_covers(m->domains[i], name))
			return true;
	return false;
}

/* Without "domains" those of the ingress are the whole list. */
static enum rc add_ingress_domains(struct manifest *m, char *error)
{
	const struct manifest_ingress *g = &m->ingress;

	static_assert((int)INGRESS_DOMAINS_MAX <= (int)MANIFEST_DOMAINS_MAX);
	for (size_t i = 0; i < g->domain_count; i++) {
		const char *name = g->domains[i].name;

		if (!m->lists_domains)
			memcpy(m->domains[m->domain_count++], name,
			       strlen(name) + 1);
		else if (!is_covered(m, name))
			return refuse(error, "ingress.domains",
				      "expected names that are in \"domains\"");
	}
	m->lists_domains = true;
	return RC_OK;
}

static enum rc read_ingress(struct manifest *m, const json_t *root, char *error)
{
	enum rc rc = manifest_ingress_read(
		&m->ingress, json_object_get(root, "ingress"), error);

	if (rc || m->ingress.domain_count == 0)
		return rc;
	rc = add_ingress_port(m, error);
	return rc ? rc : add_ingress_domains(m, error);
}

static enum rc read_storage(struct manifest *m, const json_t *root, char *error)
{
	const json_t *storage = json_object_get(root, "storage");
	const json_t *integrity = json_object_get(storage, "integrity");
	const json_t *rollback = json_object_get(storage, "rollback");
	const char *name = rollback ? json_string_value(rollback) : "refuse";
	size_t known = (integrity ? 1u : 0u) + (rollback ? 1u : 0u);

	if (!storage)
		return RC_OK;
	/* What is asked for here and not understood would not be done. */
	if (!json_is_object(storage) || json_object_size(storage) != known)
		return refuse(error, "storage",
			      "expected {\"integrity\": ..., "
			      "\"rollback\": ...} and nothing else");
	if (integrity && !json_is_boolean(integrity))
		return refuse(error, "storage.integrity",
			      "expected true or false");
	if (!name || (strcmp(name, "refuse") != 0 &&
		      strcmp(name, "read-only") != 0))
		return refuse(error, "storage.rollback",
			      "expected \"refuse\" or \"read-only\"");
	m->storage.is_there = true;
	m->storage.has_integrity = json_is_true(integrity);
	m->storage.reads_older = strcmp(name, "read-only") == 0;
	return RC_OK;
}

static enum rc read_lineage(struct manifest *m, const json_t *root, char *error)
{
	const json_t *id = json_object_get(root, "continues");
	const char *expected = lineage_read(m->lineage, m->app_id, id);

	m->continues = id != NULL;
	return expected ? refuse(error, "continues", expected) : RC_OK;
}

static bool may_extend(const struct manifest_guest *g)
{
	for (size_t i = 0; g && i < g->container_count; i++)
		if (guest_allows(&g->containers[i], GUEST_EVENT,
				 (struct span){ 0 }))
			return true;
	return false;
}

/* The ingress's certificates are shown with the event log of its start, which
 * an event of the app would make untrue. */
static enum rc read_guest(struct manifest *m, const json_t *root, char *error)
{
	struct guest_fault fault = { 0 };
	enum rc rc = guest_read(&m->guest, root, &fault);

	if (rc)
		return refuse(error, fault.key, fault.expected);
	if (m->ingress.domain_count == 0 || !may_extend(m->guest))
		return RC_OK;
	free(m->guest);
	return refuse(error, "guest.containers",
		      "expected no \"event\" beside an ingress");
}

static enum rc read_root(struct manifest *m, const json_t *root, char *error)
{
	enum rc rc;

	rc = read_version(root, error);
	if (rc)
		return rc;
	rc = read_name(m, root, error);
	if (rc)
		return rc;
	rc = read_ports(m, root, error);
	if (rc)
		return rc;
	rc = read_domains(m, root, error);
	if (rc)
		return rc;
	rc = read_egress(m, root, error);
	if (rc)
		return rc;
	rc = read_ingress(m, root, error);
	if (rc)
		return rc;
	rc = read_storage(m, root, error);
	if (rc)
		return rc;
	rc = read_lineage(m, root, error);
	if (rc)
		return rc;
	/* Last: they take memory, and nothing can fail after it. */
	rc = read_compose(m, root, error);
	if (rc)
		return rc;
	rc = read_guest(m, root, error);
	if (rc)
		free(m->compose);
	return rc;
}

enum rc manifest_read(struct manifest *out, struct span json,
		      char error[MANIFEST_ERROR_MAX])
{
	AUTO(json_done)
	json_t *root = NULL;
	AUTO(mem_auto_free)
	struct manifest *m = mem_new(sizeof(*m));
	json_error_t where = { 0 };
	enum rc rc;

	if (json.n == 0 || json.n > MANIFEST_MAX)
		return refuse(error, "manifest", "expected 1 to 65536 bytes");
	/* A key that comes twice would be read differently by somebody else
	 * who hashes the same bytes. */
	root = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES,
			  &where);
	if (!root) {
		(void)snprintf(error, MANIFEST_ERROR_MAX, "line %d: %.200s",
			       where.line, where.text);
		return RC_MALFORMED;
	}
	if (!json_is_object(root))
		return refuse(error, "manifest", "expected a JSON object");
	sha256_of(&m->hash, json);
	memcpy(m->app_id, m->hash.b, sizeof(m->app_id));
	rc = read_root(m, root, error);
	if (rc)
		return rc;
	*out = *m;
	return RC_OK;
}

void manifest_fini(struct manifest *m)
{
	free(m->compose);
	free(m->guest);
	*m = (struct manifest){ 0 };
}

void manifest_app_id(uint8_t out[MANIFEST_ID_LEN], struct span json)
{
	struct sha256 hash;

	sha256_of(&hash, json);
	memcpy(out, hash.b, MANIFEST_ID_LEN);
}

void manifest_config_id(uint8_t out[MANIFEST_CONFIG_ID_LEN], struct span json)
{
	struct sha256 hash;

	sha256_of(&hash, json);
	memset(out, 0, MANIFEST_CONFIG_ID_LEN);
	out[0] = CONFIG_ID_V1;
	memcpy(out + 1, hash.b, sizeof(hash.b));
}

#include "manifest/ingress.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "manifest/manifest.h"

static const char *const challenge_names[] = {
	[INGRESS_TLS_ALPN] = "tls-alpn-01",
	[INGRESS_DNS] = "dns-01",
	[INGRESS_DNS_ACCOUNT] = "dns-account-01",
	[INGRESS_DNS_PERSIST] = "dns-persist-01",
};

const char *ingress_challenge_name(enum ingress_challenge c)
{
	return challenge_names[c];
}

static enum rc refuse(char *error, const char *member, const char *expected)
{
	(void)snprintf(error, MANIFEST_ERROR_MAX, "ingress%s: %s", member,
		       expected);
	return RC_MALFORMED;
}

/* ---- domains ---- */

static bool read_port(uint16_t *out, const json_t *port)
{
	if (!json_is_integer(port) || json_integer_value(port) < 1 ||
	    json_integer_value(port) > UINT16_MAX)
		return false;
	*out = (uint16_t)json_integer_value(port);
	return true;
}

static enum rc add_domain(struct manifest_ingress *g, const char *name,
			  uint16_t backend, char *error)
{
	struct ingress_domain *d = &g->domains[g->domain_count];

	if (!name || !domain_is(name))
		return refuse(error, ".domains",
			      "expected lower-case host names, or *. before "
			      "one");
	for (size_t i = 0; i < g->domain_count; i++)
		if (strcmp(g->domains[i].name, name) == 0)
			return refuse(error, ".domains", "listed twice");
	memcpy(d->name, name, strlen(name) + 1);
	d->backend = backend;
	g->domain_count++;
	return RC_OK;
}

/* ["www.example.org"] and one port for all. */
static enum rc read_list(struct manifest_ingress *g, const json_t *list,
			 const json_t *backend, char *error)
{
	uint16_t port;

	if (!read_port(&port, backend))
		return refuse(error, ".backend",
			      "expected the app's port, 1 to 65535");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		enum rc rc;

		rc = add_domain(g, json_string_value(one), port, error);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/* {"www.example.org": 8080} */
static enum rc read_map(struct manifest_ingress *g, json_t *map,
			const json_t *backend, char *error)
{
	const char *name;
	json_t *value;

	if (backend)
		return refuse(error, ".backend",
			      "expected beside a list of domains only");
	json_object_foreach(map, name, value)
	{
		uint16_t port;
		enum rc rc;

		if (!read_port(&port, value))
			return refuse(error, ".domains",
				      "expected a port, 1 to 65535, of each "
				      "name");
		rc = add_domain(g, name, port, error);
		if (rc)
			return rc;
	}
	return RC_OK;
}

static enum rc read_domains(struct manifest_ingress *g, const json_t *value,
			    char *error)
{
	const json_t *backend = json_object_get(value, "backend");
	json_t *domains = json_object_get(value, "domains");
	size_t count = json_is_object(domains) ? json_object_size(domains)
					       : json_array_size(domains);

	if (count < 1 || count > INGRESS_DOMAINS_MAX)
		return refuse(error, ".domains",
			      "expected 1 to 16 names, in a list or with a "
			      "port each");
	if (json_is_object(domains))
		return read_map(g, domains, backend, error);
	return read_list(g, domains, backend, error);
}

/* ---- how they are proved ---- */

static bool challenge_of(enum ingress_challenge *out, const char *name)
{
	for (size_t i = 0; name && i < INGRESS_CHALLENGES_MAX; i++) {
		if (strcmp(challenge_names[i], name) == 0) {
			*out = (enum ingress_challenge)i;
			return true;
		}
	}
	return false;
}

static bool has_challenge(const struct manifest_ingress *g,
			  enum ingress_challenge c)
{
	for (size_t i = 0; i < g->challenge_count; i++)
		if (g->challenges[i] == c)
			return true;
	return false;
}

static enum rc read_challenges(struct manifest_ingress *g, const json_t *list,
			       char *error)
{
	static_assert(sizeof(challenge_names) / sizeof(*challenge_names) ==
		      INGRESS_CHALLENGES_MAX);

	if (!list) {
		g->challenges[g->challenge_count++] = INGRESS_TLS_ALPN;
		return RC_OK;
	}
	if (json_array_size(list) < 1 ||
	    json_array_size(list) > INGRESS_CHALLENGES_MAX)
		return refuse(error, ".challenges",
			      "expected a list of 1 to 4");
	for (size_t i = 0; i < json_array_size(list); i++) {
		enum ingress_challenge c;

		if (!challenge_of(&c, json_string_value(
					      json_array_get(list, i))))
			return refuse(error, ".challenges",
				      "expected tls-alpn-01, dns-01, "
				      "dns-account-01 or dns-persist-01");
		if (has_challenge(g, c))
			return refuse(error, ".challenges", "listed twice");
		g->challenges[g->challenge_count++] = c;
	}
	return RC_OK;
}

/* Nobody but a hook can write the DNS from here, and by TLS nobody shows that a
 * wildcard is his (RFC 8737 §3). */
static enum rc check_challenges(const struct manifest_ingress *g, char *error)
{
	bool takes_hook = has_challenge(g, INGRESS_DNS) ||
			  has_challenge(g, INGRESS_DNS_ACCOUNT);
	bool has_dns = takes_hook || has_challenge(g, INGRESS_DNS_PERSIST);

	if (takes_hook != (g->hook[0] != '\0'))
		return refuse(error, ".hook",
			      "expected with dns-01 and dns-account-01, and "
			      "with nothing else");
	for (size_t i = 0; i < g->domain_count; i++)
		if (g->domains[i].name[0] == '*' && !has_dns)
			return refuse(error, ".challenges",
				      "expected one of dns-... for a wildcard");
	return RC_OK;
}

/* ---- the rest ---- */

/* Visible ASCII, and none of what would end a quoted text of YAML. */
static bool is_plain(const char *s)
{
	if (strlen(s) >= INGRESS_TEXT_MAX)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return true;
}

static enum rc read_text(char out[INGRESS_TEXT_MAX], const json_t *value,
			 const char *prefix, const char *expected, char *error)
{
	const char *text = json_string_value(value);
	size_t n = strlen(prefix);

	if (!value)
		return RC_OK;
	if (!text || strncmp(text, prefix, n) != 0 || !text[n] ||
	    !is_plain(text))
		return refuse(error, "", expected);
	memcpy(out, text, strlen(text) + 1);
	return RC_OK;
}

static enum rc read_backend_terms(struct manifest_ingress *g,
				  const json_t *value, char *error)
{
	static const char *const names[] = {
		[INGRESS_HTTP] = "http",
		[INGRESS_H2] = "h2",
		[INGRESS_TCP] = "tcp",
	};
	const json_t *protocol = json_object_get(value, "protocol");
	const json_t *forwarded = json_object_get(value, "forwarded");
	const char *name = protocol ? json_string_value(protocol) : "http";
	size_t i = 0;

	while (name && i <= INGRESS_TCP && strcmp(names[i], name) != 0)
		i++;
	if (!name || i > INGRESS_TCP)
		return refuse(error, ".protocol", "expected http, h2 or tcp");
	g->protocol = (enum ingress_protocol)i;
	g->is_forwarding = json_is_true(forwarded);
	if ((forwarded && !json_is_boolean(forwarded)) ||
	    (g->is_forwarding && g->protocol == INGRESS_TCP))
		return refuse(error, ".forwarded",
			      "expected true or false, not with tcp");
	return RC_OK;
}

static enum rc check_members(json_t *value, char *error)
{
	static const char *const known[] = { "domains", "backend", "protocol",
					     "forwarded", "challenges", "hook",
					     "directory" };
	const char *member;
	json_t *unused;

	json_object_foreach(value, member, unused)
	{
		size_t i = 0;

		while (i < sizeof(known) / sizeof(*known) &&
		       strcmp(known[i], member) != 0)
			i++;
		if (i == sizeof(known) / sizeof(*known)) {
			(void)snprintf(error, MANIFEST_ERROR_MAX,
				       "ingress: %.100s: unknown", member);
			return RC_MALFORMED;
		}
	}
	return RC_OK;
}

enum rc manifest_ingress_read(struct manifest_ingress *out, json_t *value,
			      char *error)
{
	struct manifest_ingress *g = out;
	enum rc rc;

	*g = (struct manifest_ingress){ 0 };
	if (!value)
		return RC_OK;
	if (!json_is_object(value))
		return refuse(error, "", "expected an object");
	rc = check_members(value, error);
	if (!rc)
		rc = read_domains(g, value, error);
	if (!rc)
		rc = read_backend_terms(g, value, error);
	if (!rc)
		rc = read_challenges(g, json_object_get(value, "challenges"),
				     error);
	if (!rc)
		rc = read_text(g->hook, json_object_get(value, "hook"), "/",
			       "hook: expected an absolute path", error);
	if (!rc)
		rc = read_text(g->directory,
			       json_object_get(value, "directory"), "https://",
			       "directory: expected an https URL", error);
	return rc ? rc : check_challenges(g, error);
}

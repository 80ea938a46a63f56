#include "manifest/guest_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char EXPECTED_RULE[] =
	"expected info, quote, evidence, tls-key, event, key:PATH or sign:PATH";

static enum rc refuse(struct guest_fault *fault, const char *expected,
		      const char *key)
{
	(void)snprintf(fault->key, sizeof(fault->key), "%s", key);
	fault->expected = expected;
	return RC_MALFORMED;
}

static enum rc refuse_at(struct guest_fault *fault, const char *expected,
			 const char *list, size_t i)
{
	(void)snprintf(fault->key, sizeof(fault->key), "%s[%zu]", list, i);
	fault->expected = expected;
	return RC_MALFORMED;
}

/* As docker-compose names services, and as a folder can be named. */
static bool is_container(const char *s)
{
	size_t n = strlen(s);

	if (n < 1 || n >= GUEST_NAME_MAX || s[0] == '.' || s[0] == '-')
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static bool read_path(struct guest_rule *rule, const char *path)
{
	size_t n = strlen(path);

	rule->is_prefix = n > 0 && path[n - 1] == '*';
	if (rule->is_prefix)
		n--;
	if (n >= GUEST_PATH_MAX || memchr(path, '*', n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (path[i] < ' ' || path[i] > '~')
			return false;
	memcpy(rule->path, path, n);
	return true;
}

static bool read_rule(struct guest_rule *out, const char *text)
{
	struct guest_rule rule = { 0 };
	size_t n = strcspn(text, ":");

	for (unsigned r = 0; r < GUEST_RIGHT_COUNT; r++) {
		bool has_path = r == GUEST_KEY || r == GUEST_SIGN;

		if (!span_equal_str(span_of(text, n),
				    guest_right_name((enum guest_right)r)))
			continue;
		rule.right = (enum guest_right)r;
		if (has_path != (text[n] == ':') ||
		    (has_path && !read_path(&rule, text + n + 1)))
			return false;
		*out = rule;
		return true;
	}
	return false;
}

static enum rc read_container(struct guest_container *out, const char *name,
			      const json_t *rules, struct guest_fault *fault)
{
	char key[GUEST_NAME_MAX + 32];

	if (!is_container(name))
		return refuse(fault,
			      "expected names of containers: 1 to 63 of a-z "
			      "0-9 . _ -",
			      "guest.containers");
	(void)snprintf(key, sizeof(key), "guest.containers.%s", name);
	if (!json_is_array(rules) || json_array_size(rules) > GUEST_RULES_MAX)
		return refuse(fault, "expected a list of at most 16 rules",
			      key);
	memcpy(out->name, name, strlen(name) + 1);
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *entry = json_array_get(rules, i);
		const char *text = json_string_value(entry);

		if (!text || strlen(text) != json_string_length(entry) ||
		    !read_rule(&out->rules[i], text))
			return refuse_at(fault, EXPECTED_RULE, key, i);
	}
	out->rule_count = json_array_size(rules);
	return RC_OK;
}

/* jansson's iterators take an object that could be changed. */
static enum rc read_containers(struct manifest_guest *g, json_t *list,
			       struct guest_fault *fault)
{
	if (!list)
		return RC_OK;
	if (!json_is_object(list) ||
	    json_object_size(list) > GUEST_CONTAINERS_MAX)
		return refuse(fault, "expected an object of at most 16 members",
			      "guest.containers");
	for (void *at = json_object_iter(list); at;
	     at = json_object_iter_next(list, at)) {
		struct guest_container *c =
			&g->containers[g->container_count++];
		enum rc rc = read_container(c, json_object_iter_key(at),
					    json_object_iter_value(at), fault);

		if (rc)
			return rc;
	}
	return RC_OK;
}

static enum rc read_signers(struct manifest_guest *g, const json_t *list,
			    struct guest_fault *fault)
{
	static const char key[] = "guest.env_signers";

	if (!list)
		return RC_OK;
	/* An empty list would read like "anyone" or like "nobody". */
	if (!json_is_array(list) || json_array_size(list) < 1 ||
	    json_array_size(list) > GUEST_SIGNERS_MAX)
		return refuse(fault, "expected a list of 1 to 8 keys", key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *hex = json_string_value(json_array_get(list, i));

		if (!hex || !text_hex_decode(g->signers[i], GUEST_SIGNER_LEN,
					     span_str(hex)))
			return refuse_at(fault, "expected 64 hex digits", key,
					 i);
	}
	g->signer_count = json_array_size(list);
	return RC_OK;
}

static enum rc read_guest(struct manifest_guest *g, const json_t *guest,
			  struct guest_fault *fault)
{
	const json_t *raw = json_object_get(guest, "raw_quotes");
	enum rc rc;

	if (!guest)
		return RC_OK;
	if (!json_is_object(guest))
		return refuse(fault, "expected an object", "guest");
	if (raw && !json_is_boolean(raw))
		return refuse(fault, "expected true or false",
			      "guest.raw_quotes");
	g->has_raw_quotes = json_is_true(raw);
	rc = read_containers(g, json_object_get(guest, "containers"), fault);
	return rc ? rc
		  : read_signers(g, json_object_get(guest, "env_signers"),
				 fault);
}

static enum rc read_envs(struct manifest_guest *g, const json_t *list,
			 struct guest_fault *fault)
{
	static const char key[] = "allowed_envs";

	if (!list)
		return RC_OK;
	if (!json_is_array(list) || json_array_size(list) > GUEST_ENVS_MAX)
		return refuse(fault, "expected a list of at most 64", key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		struct span name = span_of(json_string_value(entry),
					   json_string_length(entry));

		if (!json_is_string(entry) || !guest_is_env_name(name))
			return refuse_at(fault,
					 "expected 1 to 63 of A-Z a-z 0-9 _, "
					 "no digit first, and not a name that "
					 "docker-compose reads itself",
					 key, i);
		if (guest_allows_env(g, name))
			return refuse_at(fault, "listed twice", key, i);
		memcpy(g->envs[i], name.p, name.n);
		g->env_count++;
	}
	g->lists_envs = true;
	return RC_OK;
}

enum rc guest_read(struct manifest_guest **out, const json_t *root,
		   struct guest_fault *fault)
{
	const json_t *guest = json_object_get(root, "guest");
	const json_t *envs = json_object_get(root, "allowed_envs");
	AUTO(mem_auto_free)
	struct manifest_guest *g = NULL;
	enum rc rc;

	*out = NULL;
	if (!guest && !envs)
		return RC_OK;
	g = mem_new(sizeof(*g));
	rc = read_guest(g, guest, fault);
	if (!rc)
		rc = read_envs(g, envs, fault);
	if (!rc)
		*out = STEAL(g);
	return rc;
}

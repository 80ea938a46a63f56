#include "cli/keyservice.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/fmt.h"
#include "cli/json.h"
#include "cli/place.h"
#include "cli/release.h"
#include "io/clock.h"
#include "io/file.h"
#include "keys/policy.h"

enum {
	PEM_MAX = 4096,
	READY_MS = 30000,
	TICK_US = 50 * 1000,
};

static enum rc say(char error[KEYSERVICE_ERROR_MAX], const char *what)
{
	(void)snprintf(error, KEYSERVICE_ERROR_MAX, "%.300s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

static void auto_key(struct p256_private **k)
{
	p256_private_free(*k);
}

const char *keyservice_admin(struct arena *a, const char *state)
{
	return fmt(a, "%s/kms-admin.pem", state);
}

const char *keyservice_manifest(struct arena *a, const char *state)
{
	return fmt(a, "%s/kms-manifest.json", state);
}

const char *keyservice_id(struct arena *a, const char *state)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	uint8_t id[MANIFEST_ID_LEN];
	char hex[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);

	buf_init(&json, MANIFEST_MAX);
	if (file_read(&json, keyservice_manifest(a, state)))
		return NULL;
	manifest_app_id(id, buf_span(&json));
	text_hex(&w, SPAN_ARRAY(id));
	return fmt(a, "%s", hex);
}

/* ---- the two files ---- */

static enum rc load_admin(struct p256_private **out, const char *state,
			  char error[KEYSERVICE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a = { .max = PEM_MAX };
	AUTO(buf_wipe)
	struct buf pem = { 0 };
	const char *path = keyservice_admin(&a, state);

	buf_init(&pem, PEM_MAX);
	if (file_read(&pem, path))
		return say(error, path);
	if (p256_private_from_pem(out, buf_span(&pem)) == RC_OK)
		return RC_OK;
	(void)snprintf(error, KEYSERVICE_ERROR_MAX,
		       "%.300s: no P-256 private key", path);
	return RC_MALFORMED;
}

static enum rc make_admin(struct p256_private **out, const char *state,
			  char error[KEYSERVICE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a = { .max = PEM_MAX };
	AUTO(auto_key)
	struct p256_private *key = p256_private_generate();
	const char *path = keyservice_admin(&a, state);
	char *pem = p256_private_to_pem(key);
	enum rc rc = file_replace(path, span_str(pem), 0600);

	secret_wipe(pem, strlen(pem));
	free(pem);
	if (rc)
		return say(error, path);
	*out = STEAL(key);
	return RC_OK;
}

/* The same bytes for the same key: they are the service's identity. */
static enum rc write_manifest(const char *state, const struct p256_private *key,
			      char error[KEYSERVICE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a = { .max = PEM_MAX };
	const char *path = keyservice_manifest(&a, state);
	char hex[2 * P256_POINT_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);
	struct p256_point point;

	p256_private_point(key, &point);
	text_hex(&w, SPAN_ARRAY(point.xy));
	return fmt_file(path, 0644,
			fmt(&a,
			    "{\n"
			    "  \"manifest_version\": 2,\n"
			    "  \"name\": \"kms\",\n"
			    "  \"ports\": [],\n"
			    "  \"kms\": {\n"
			    "    \"quorum\": 1,\n"
			    "    \"admins\": [\"%s\"]\n"
			    "  }\n"
			    "}\n",
			    hex))
		       ? say(error, path)
		       : RC_OK;
}

enum rc keyservice_prepare(const char *state, char error[KEYSERVICE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a = { .max = PEM_MAX };
	AUTO(auto_key)
	struct p256_private *key = NULL;
	bool is_there = access(keyservice_admin(&a, state), F_OK) == 0;
	enum rc rc = is_there ? load_admin(&key, state, error)
			      : make_admin(&key, state, error);

	return rc ? rc : write_manifest(state, key, error);
}

/* ---- its nodes ---- */

/* A service that is being told something. */
struct telling {
	const struct keyservice *service;
	const char *sockets[KEYSERVICE_NODES_MAX];
	json_t *policy; /* of the node that has the newest */
	size_t newest; /* that node; 0 while none has one */
	bool is_founded;
	struct arena arena;
	char *error;
};

static void telling_init(struct telling *t, const struct keyservice *k,
			 char error[KEYSERVICE_ERROR_MAX])
{
	*t = (struct telling){ .service = k, .error = error };
	arena_init(&t->arena, 64 * 1024);
	for (size_t i = 0; i < k->count; i++) {
		char path[PLACE_PATH_MAX];

		place_path(path, k->cloud,
			   fmt(&t->arena, "%s/run/postern/kms.sock",
			       k->nodes[i]));
		t->sockets[i] = fmt(&t->arena, "%s", path);
	}
}

static void telling_fini(struct telling *t)
{
	json_decref(t->policy);
	arena_fini(&t->arena);
}

static enum rc status_of(const struct telling *t, json_t **out, size_t node)
{
	char why[ASK_ERROR_MAX];
	enum rc rc = ask(out, t->sockets[node], "GET", "/v1/status", why);

	if (rc)
		(void)snprintf(t->error, KEYSERVICE_ERROR_MAX, "%s: %s",
			       t->service->nodes[node], why);
	return rc;
}

static json_int_t serial_of(const json_t *status)
{
	return json_integer_value(json_object_get(
		json_object_get(status, "policy"), "serial"));
}

static enum rc take_policy(struct telling *t)
{
	char why[ASK_ERROR_MAX];
	AUTO(jfree)
	json_t *document = NULL;
	enum rc rc;

	if (!t->is_founded) {
		t->policy = release_new();
		return RC_OK;
	}
	rc = ask(&document, t->sockets[t->newest], "GET", "/v1/policy", why);
	if (rc) {
		(void)snprintf(t->error, KEYSERVICE_ERROR_MAX, "%s: %s",
			       t->service->nodes[t->newest], why);
		return rc;
	}
	t->policy = json_incref(json_object_get(document, "policy"));
	return RC_OK;
}

/* Who the nodes are, of which so many must answer, and the newest policy that
 * one of them has. */
static enum rc look(struct telling *t,
		    const char *instances[KEYSERVICE_NODES_MAX], size_t needed)
{
	json_int_t newest = 0;
	size_t answers = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < t->service->count; i++) {
		AUTO(jfree)
		json_t *status = NULL;
		enum rc one = status_of(t, &status, i);

		if (one) {
			rc = one;
			continue;
		}
		answers++;
		instances[i] = fmt(&t->arena, "%s",
				   jtext(status, "instance_id"));
		if (serial_of(status) <= newest)
			continue;
		newest = serial_of(status);
		t->newest = i;
		t->is_founded = true;
	}
	return answers >= needed ? take_policy(t) : rc;
}

static enum rc tell(struct telling *t)
{
	const char *path = t->is_founded ? "/v1/policy" : "/v1/bootstrap";
	AUTO(auto_key)
	struct p256_private *key = NULL;
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(jfree)
	json_t *said = NULL;
	char why[ASK_ERROR_MAX];
	enum rc rc = load_admin(&key, t->service->state, t->error);

	buf_init(&text, KEYS_POLICY_MAX);
	if (!rc)
		rc = release_sign(&text, t->policy, clock_unix_s(), key,
				  t->error);
	if (rc)
		return rc;
	rc = ask_with(&said, t->sockets[t->newest], "POST", path,
		      buf_span(&text), why);
	if (rc)
		(void)snprintf(t->error, KEYSERVICE_ERROR_MAX, "%s: %s",
			       t->service->nodes[t->newest], why);
	return rc;
}

static bool is_ready(const struct telling *t, size_t node)
{
	AUTO(jfree)
	json_t *status = NULL;

	return status_of(t, &status, node) == RC_OK &&
	       strcmp(jtext(status, "ready"), "ok") == 0 &&
	       serial_of(status) >= json_integer_value(json_object_get(
					    t->policy, "serial"));
}

/* Until so many nodes are ready under the policy. */
static enum rc wait_ready(const struct telling *t, size_t wanted)
{
	uint64_t end_ms = clock_boot_ms() + READY_MS;

	for (;;) {
		size_t ready = 0;

		for (size_t i = 0; i < t->service->count; i++)
			ready += is_ready(t, i);
		if (ready >= wanted)
			return RC_OK;
		if (clock_boot_ms() > end_ms)
			break;
		(void)usleep(TICK_US);
	}
	(void)snprintf(t->error, KEYSERVICE_ERROR_MAX,
		       "the key service: fewer than %zu of its nodes are ready "
		       "after %d s",
		       wanted, READY_MS / 1000);
	return RC_CLOSED;
}

static enum rc fail_untold(const struct telling *t, size_t node)
{
	(void)snprintf(t->error, KEYSERVICE_ERROR_MAX,
		       "%s: it has not heard of the policy after %d s",
		       t->service->nodes[node], READY_MS / 1000);
	return RC_CLOSED;
}

/* Until all nodes that the policy names have it, of those that there are. */
static enum rc wait_told(const struct telling *t,
			 const char *const instances[KEYSERVICE_NODES_MAX])
{
	json_int_t serial =
		json_integer_value(json_object_get(t->policy, "serial"));
	uint64_t end_ms = clock_boot_ms() + READY_MS;

	for (size_t i = 0; i < t->service->count; i++) {
		while (release_has_node(t->policy, instances[i])) {
			AUTO(jfree)
			json_t *status = NULL;

			if (status_of(t, &status, i) == RC_OK &&
			    serial_of(status) >= serial)
				break;
			if (clock_boot_ms() > end_ms)
				return fail_untold(t, i);
			(void)usleep(TICK_US);
		}
	}
	return RC_OK;
}

/* Those that run now take the place of those that ran before, one at a time. */
static enum rc tell_all(struct telling *t,
			const char *const instances[KEYSERVICE_NODES_MAX])
{
	size_t count = t->service->count;
	bool is_last = false;
	enum rc rc = RC_OK;

	if (!t->is_founded) {
		release_set_nodes(t->policy, instances, count);
		return tell(t);
	}
	while (!rc && !is_last) {
		is_last = release_step_nodes(t->policy, instances, count);
		rc = tell(t);
		if (!rc && !is_last)
			rc = wait_told(t, instances);
	}
	return rc;
}

static enum rc allow_all(struct telling *t, bool *changed,
			 const struct release_app *apps, size_t count)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < count; i++)
		rc = release_allow(t->policy, changed, &apps[i], t->error);
	return rc;
}

enum rc keyservice_found(const struct keyservice *k, bool *founded,
			 const struct release_app *apps, size_t count,
			 char error[KEYSERVICE_ERROR_MAX])
{
	AUTO(telling_fini)
	struct telling t;
	const char *instances[KEYSERVICE_NODES_MAX];
	bool ignored;
	enum rc rc;

	telling_init(&t, k, error);
	rc = look(&t, instances, k->count);
	if (rc)
		return rc;
	rc = allow_all(&t, &ignored, apps, count);
	if (!rc)
		rc = tell_all(&t, instances);
	if (!rc)
		rc = wait_ready(&t, k->count);
	if (!rc)
		*founded = !t.is_founded;
	return rc;
}

enum rc keyservice_allow(const struct keyservice *k, bool *changed,
			 const struct release_app *app,
			 char error[KEYSERVICE_ERROR_MAX])
{
	AUTO(telling_fini)
	struct telling t;
	const char *instances[KEYSERVICE_NODES_MAX];
	bool is_new = false;
	enum rc rc;

	telling_init(&t, k, error);
	rc = look(&t, instances, keys_majority(k->count));
	if (!rc && !t.is_founded) {
		(void)snprintf(error, KEYSERVICE_ERROR_MAX,
			       "the cloud's key service is not founded yet");
		rc = RC_CLOSED;
	}
	if (!rc)
		rc = allow_all(&t, &is_new, app, 1);
	if (!rc && is_new)
		rc = tell(&t);
	if (!rc && is_new)
		rc = wait_ready(&t, keys_majority(k->count));
	if (!rc)
		*changed = is_new;
	return rc;
}

/* api: what the administrator asks, and gets. */
#include "folder.h"

#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "channel/batch.h"
#include "io/clock.h"
#include "keyless.h"
#include "keys_policy.h"
#include "kms/api.h"
#include "tls/tls.h"

struct world {
	struct folder folder;
	struct admins admins;
	struct config config;
	struct sock_addr peer;
	struct log log;
	struct loop *loop;
	struct identity identity;
	struct keys_cluster cluster;
	struct p256_private *key;
	struct service s;
	struct tls_context *tls;
	struct batch *batch;
	struct api api;
	struct http_answer answer;
	json_t *json; /* of the last answer */
	unsigned committed;
	char policy[16384];
};

static enum rc no_quote(void *arg, struct buf *out, const uint8_t report_data[])
{
	(void)arg;
	(void)out;
	(void)report_data;
	return RC_SYS;
}

static void on_committed(void *arg)
{
	struct world *w = arg;

	w->committed++;
}

static void open_doors(struct world *w)
{
	const struct gate_options gate = {
		.loop = w->loop,
		.tls = w->tls,
		.batch = w->batch,
		.config = &w->config,
		.service = &w->s,
		.committed = on_committed,
		.arg = w,
	};
	const struct peers_options peers = {
		.loop = w->loop,
		.tls = w->tls,
		.batch = w->batch,
		.config = &w->config,
		.service = &w->s,
		.answered = on_committed,
		.arg = w,
	};

	assert_int_equal(gate_new(&w->api.gate, &gate), RC_OK);
	w->api.peers = peers_new(&peers);
}

static void start_service(struct world *w)
{
	struct quote_source *source = keyless_source();
	char path[128], error[NODE_ERROR_MAX];

	w->key = p256_private_generate();
	w->s = (struct service){ .config = &w->config,
				 .identity = &w->identity,
				 .log = &w->log,
				 .authority = w->admins.authority,
				 .cluster = &w->cluster,
				 .apps = keys_rate_new(),
				 .instances = keys_rate_new(),
				 .sources = keys_rate_new() };
	w->s.own.app[0] = 0xbb;
	w->s.own.instance[0] = w->s.quorum.own[0] = 1;
	assert_int_equal(keep_open(&w->s.keep, w->folder.path, &w->identity, source, error),
			 RC_OK);
	assert_int_equal(journal_open(&w->s.journal, folder_file(path, &w->folder, "audit"), w->key,
				      true, error),
			 RC_OK);
	keys_cluster_init(&w->cluster);
	quote_source_free(source);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char error[TLS_ERROR_MAX];

	folder_make(&w->folder);
	admins_init(&w->admins);
	assert_true(sock_addr_parse(&w->config.listen, span_str("127.0.0.1:0")));
	assert_true(sock_addr_parse(&w->peer, span_str("unix:/nowhere/kms.sock")));
	w->config.node = "kms-1";
	w->config.max_channels = 100;
	w->config.peers = (struct conf_list){ .items = &w->peer, .count = 1 };
	w->log = (struct log){ .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .program = "kms" };
	assert_int_equal(loop_new(&w->loop), RC_OK);
	assert_int_equal(tls_attested_new(&w->tls, true, KEYS_ALPN, error), RC_OK);
	assert_int_equal(batch_new(&w->batch, w->loop, no_quote, NULL), RC_OK);
	start_service(w);
	open_doors(w);
	w->api.service = &w->s;
	w->api.loop = w->loop;
	w->api.is_simulated = true;
	w->api.started_ms = clock_boot_ms();
	w->api.committed = on_committed;
	w->api.arg = w;
	p256_private_point(w->key, &w->api.audit_key);
	buf_init(&w->answer.body, 1 << 20);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	json_decref(w->json);
	buf_fini(&w->answer.body);
	peers_free(w->api.peers);
	gate_free(w->api.gate);
	batch_free(w->batch);
	tls_context_free(w->tls);
	keys_rate_free(w->s.apps);
	keys_rate_free(w->s.instances);
	keys_rate_free(w->s.sources);
	keys_cluster_fini(&w->cluster);
	journal_free(w->s.journal);
	keep_free(w->s.keep);
	p256_private_free(w->key);
	loop_free(w->loop);
	close(w->log.fd);
	admins_fini(&w->admins);
	folder_remove(&w->folder);
	free(w);
	return 0;
}

/* The status; w->json is the body where that is an object. */
static unsigned ask(struct world *w, const char *method, const char *path, struct span body)
{
	const struct http_request r = { .method = method, .path = path, .body = body };
	struct span text;

	buf_reset(&w->answer.body);
	w->answer.status = 200;
	w->answer.content_type = NULL;
	api_handle(&w->api, &r, &w->answer);
	json_decref(w->json);
	text = buf_span(&w->answer.body);
	w->json = text.n ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;
	return w->answer.status;
}

static unsigned get(struct world *w, const char *path)
{
	return ask(w, "GET", path, (struct span){ 0 });
}

/* "policy/held_by" of the last answer, as JSON text; "" where it is not there. */
static const char *member(const struct world *w, char out[256], const char *path)
{
	const json_t *at = w->json;
	struct span rest = span_str(path), name;
	char *text;

	while (at && rest.n) {
		char key[64] = "";

		if (!rd_until(&rest, &name, '/')) {
			name = rest;
			rest.n = 0;
		}
		memcpy(key, name.p, name.n);
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key))
				       : json_object_get(at, key);
	}
	out[0] = '\0';
	if (!at)
		return out;
	text = json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
	snprintf(out, 256, "%s", text);
	free(text);
	return out;
}

struct want {
	const char *path, *value;
};

static void has(const struct world *w, const struct want *wants, size_t count)
{
	char text[256];

	for (size_t i = 0; i < count; i++)
		if (strcmp(member(w, text, wants[i].path), wants[i].value) != 0)
			fail_msg("%s: %s, want %s", wants[i].path, text, wants[i].value);
}
#define HAS(w, ...) \
	has(w, (const struct want[]){ __VA_ARGS__ }, \
	    sizeof((const struct want[]){ __VA_ARGS__ }) / sizeof(struct want))

static void paths_and_methods(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned want;
	} cases[] = {
		{ "GET", "/v1/status", 200 },
		{ "GET", "/metrics", 200 },
		{ "GET", "/v1/policy", 409 },
		{ "GET", "/v1/rotate", 404 },
		{ "GET", "/", 404 },
		{ "POST", "/v1/status", 404 },
		{ "POST", "/v1/", 404 },
		{ "PUT", "/v1/policy", 405 },
		{ "DELETE", "/v1/policy", 405 },
		{ "POST", "/v1/policy", 409 },
		{ "POST", "/v1/rotate", 409 },
		{ "POST", "/v1/bootstrap", 409 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const unsigned before = w->committed;

		print_message("%s %s\n", cases[i].method, cases[i].path);
		assert_int_equal(ask(w, cases[i].method, cases[i].path, span_str("x")),
				 cases[i].want);
		/* What was tried may have changed something. */
		assert_int_equal(w->committed - before,
				 cases[i].want == 409 && cases[i].method[0] == 'P');
	}
}

static void node_before_it_is_founded(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/v1/status"), 200);
	HAS(w, { "node", "\"kms-1\"" }, { "simulated", "true" }, { "founded", "false" },
	    { "lasting", "false" }, { "ready", "\"not_ready\"" }, { "cluster", "" },
	    { "policy", "" }, { "roots", "" }, { "records", "0" }, { "admins/quorum", "2" },
	    { "admins/count", "3" }, { "app_id", "\"bb00000000000000000000000000000000000000\"" },
	    { "instance_id", "\"" NODE_1 "\"" }, { "counts/by_reason", "{}" },
	    { "peers/0/address", "\"unix:/nowhere/kms.sock\"" }, { "peers/0/state", "\"away\"" },
	    { "peers/0/instance_id", "" }, { "peers/0/why", "" }, { "peers/1", "" });
	assert_int_equal(get(w, "/v1/policy"), 409);
	HAS(w, { "error", "\"not_ready\"" }, { "detail", "" });
}

static void found(struct world *w)
{
	assert_int_equal(ask(w, "POST", "/v1/bootstrap",
			     sign_policy(w->policy, sizeof(w->policy), &w->admins, HEAD(3) "}", 3)),
			 200);
	HAS(w, { "ok", "true" }, { "error", "" });
}

static void node_that_is_founded(void **state)
{
	struct world *w = *state;
	const struct span policy =
		sign_policy(w->policy, sizeof(w->policy), &w->admins, HEAD(3) "}", 3);

	assert_int_equal(ask(w, "POST", "/v1/bootstrap", span_str("{}")), 409);
	HAS(w, { "error", "\"signatures_missing\"" });
	found(w);
	assert_int_equal(ask(w, "POST", "/v1/bootstrap", policy), 409);
	HAS(w, { "error", "\"done_already\"" });
	peers_tell(w->api.peers); /* nobody is there */
	assert_int_equal(get(w, "/v1/status"), 200);
	HAS(w, { "founded", "true" }, { "epoch", "0" }, { "ready", "\"not_ready\"" },
	    { "roots/0/epoch", "1" }, { "roots/0/active", "false" }, { "roots/1", "" },
	    { "policy/serial", "3" }, { "policy/apps", "0" }, { "policy/release", "\"quorum\"" },
	    { "policy/nodes/2", "\"" NODE_3 "\"" }, { "policy/held_by", "1" },
	    { "policy/majority", "2" }, { "policy/linked", "1" },
	    { "peers/0/why", "\"connect: No such file or directory\"" });
	/* Nobody holds what is not on this disk. */
	w->s.is_dirty = true;
	assert_int_equal(get(w, "/v1/status"), 200);
	HAS(w, { "policy/held_by", "0" });
	w->s.is_dirty = false;
	assert_int_equal(get(w, "/v1/policy"), 200);
	assert_memory_equal(w->answer.body.p, policy.p, policy.n);
	keys_cluster_activate(&w->cluster);
	assert_int_equal(ask(w, "POST", "/v1/rotate", (struct span){ 0 }), 200);
	assert_int_equal(ask(w, "POST", "/v1/rotate", (struct span){ 0 }), 409);
	HAS(w, { "error", "\"done_already\"" });
	assert_int_equal(get(w, "/v1/status"), 200);
	HAS(w, { "epoch", "1" }, { "ready", "\"no_quorum\"" }, { "roots/0/active", "true" },
	    { "roots/1/active", "false" });
}

static void has_line(const struct world *w, const char *line)
{
	const struct span text = buf_span(&w->answer.body);

	if (!memmem(text.p, text.n, line, strlen(line)))
		fail_msg("no %s in %.*s", line, (int)text.n, (const char *)text.p);
}

static void metrics_count(void **state)
{
	struct world *w = *state;
	struct span text;

	found(w);
	w->s.counts.releases = 12;
	w->s.counts.by_reason[KEYS_RATE] = 3;
	assert_int_equal(get(w, "/metrics"), 200);
	assert_string_equal(w->answer.content_type,
			    "application/openmetrics-text; version=1.0.0");
	has_line(w, "postern_kms_channels 0\n");
	has_line(w, "postern_kms_releases_total 12\n");
	has_line(w, "postern_kms_refusals_by_reason_total{reason=\"rate_limited\"} 3\n");
	has_line(w, "postern_kms_epoch 0\n");
	text = buf_span(&w->answer.body);
	assert_memory_equal(text.p + text.n - 6, "# EOF\n", 6);
	assert_null(memmem(text.p, text.n, "done_already", 12));
	assert_int_equal(get(w, "/v1/status"), 200);
	HAS(w, { "counts/releases", "12" }, { "counts/by_reason", "{\"rate_limited\":3}" });
}

/* An answer that has no room is a failure, not half an answer. */
static void no_room_is_a_failure(void **state)
{
	struct world *w = *state;

	found(w);
	buf_fini(&w->answer.body);
	buf_init(&w->answer.body, 100);
	assert_int_equal(get(w, "/v1/status"), 500);
	assert_int_equal(buf_span(&w->answer.body).n, 0);
	assert_int_equal(get(w, "/v1/policy"), 500);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(paths_and_methods),
		T(node_before_it_is_founded),
		T(node_that_is_founded),
		T(metrics_count),
		T(no_room_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the node decides: how old what a node told is, who is limited, and what a commit that failed
 * leaves to be refused. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "folder.h"
#include "keyless.h"
#include "keys_policy.h"
#include "kms/service.h"

static const uint8_t cluster_id[KEYS_CLUSTER_ID_LEN] = { 7 };
static const uint8_t session[KEYS_SESSION_LEN] = { 9 };

struct world {
	struct admins admins;
	struct config config;
	struct log log;
	struct keys_cluster cluster;
	struct p256_private *key;
	struct journal *journal;
	struct service s;
	struct service_peer node, stranger;
	char path[64], policy[16384], error[NODE_ERROR_MAX];
};

static struct keys_subject subject(uint8_t app, uint8_t instance)
{
	struct keys_subject s = { .app = { app }, .instance = { instance } };

	s.manifest.b[0] = app;
	memset(&s.measurement, 0x11, sizeof(s.measurement));
	return s;
}

/* Nothing is written. */
static struct keep *keep_nothing(void)
{
	static const struct identity identity;
	struct quote_source *source = keyless_source();
	struct folder folder;
	struct keep *keep;
	char error[NODE_ERROR_MAX];

	folder_make(&folder);
	assert_int_equal(keep_open(&keep, folder.path, &identity, source, error), RC_OK);
	folder_remove(&folder);
	assert_false(keep_is_lasting(keep));
	quote_source_free(source);
	return keep;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct key32 root = { .b = { 1 } };
	char why[KEYS_POLICY_ERROR_MAX] = "";
	struct span policy;

	admins_init(&w->admins);
	(void)snprintf(w->path, sizeof(w->path), "/tmp/test_kms_service.XXXXXX");
	close(mkstemp(w->path));
	w->key = p256_private_generate();
	assert_int_equal(journal_open(&w->journal, w->path, w->key, false, w->error), RC_OK);
	w->config.source_per_minute = 1;
	w->log = (struct log){ .fd = open("/dev/null", O_WRONLY), .program = "kms" };
	w->s = (struct service){ .config = &w->config,
				 .log = &w->log,
				 .keep = keep_nothing(),
				 .journal = w->journal,
				 .authority = w->admins.authority,
				 .own = subject(0xbb, 1),
				 .cluster = &w->cluster,
				 .apps = keys_rate_new(),
				 .instances = keys_rate_new(),
				 .sources = keys_rate_new() };
	memcpy(w->s.quorum.own, w->s.own.instance, KEYS_ID_LEN);
	w->node = (struct service_peer){ subject(0xbb, 2), "node", span_str("a"), 0 };
	w->stranger = (struct service_peer){ subject(0xaa, 2), "other", span_str("b"), 0 };
	keys_cluster_init(&w->cluster);
	policy = sign_policy(w->policy, sizeof(w->policy), &w->admins, HEAD(1) "}", 3);
	assert_int_equal(keys_cluster_found(&w->cluster, cluster_id, &root, policy,
					    &w->admins.authority, why),
			 KEYS_OK);
	keys_cluster_activate(&w->cluster);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	keep_free(w->s.keep);
	keys_cluster_fini(&w->cluster);
	keys_rate_free(w->s.apps);
	keys_rate_free(w->s.instances);
	keys_rate_free(w->s.sources);
	journal_free(w->journal);
	p256_private_free(w->key);
	admins_fini(&w->admins);
	close(w->log.fd);
	unlink(w->path);
	free(w);
	return 0;
}

/* It says that it has told everything; was it refused? */
static bool is_push_refused(struct world *w, const struct service_peer *peer, uint64_t now_ms)
{
	uint8_t body[256];
	struct wr out = WR_ARRAY(body);
	struct keys_head h = { .type = KEYS_PUSH };
	struct service_reply reply;
	bool is_refused;

	memcpy(h.session, session, sizeof(h.session));
	keys_write_head(&out, &h);
	wr_bytes(&out, SPAN_ARRAY(cluster_id));
	wr_u8(&out, 1);
	service_reply_init(&reply);
	service_ask(&w->s, &reply, peer, session, 0, wr_span(&out), now_ms);
	is_refused = reply.is_refusal;
	service_reply_wipe(&reply);
	assert_false(reply.is_refusal);
	return is_refused;
}

/* A question may have been held back since our last words: only these are known to be older. */
static void what_is_told_is_as_old_as_our_last_words(void **state)
{
	struct world *w = *state;

	assert_int_equal(service_ready(&w->s, 20000), KEYS_NO_QUORUM);
	w->node.said_at_ms = 20000 - SERVICE_FRESH_MS - 1;
	assert_false(is_push_refused(w, &w->node, 20000));
	assert_int_equal(service_ready(&w->s, 20000), KEYS_NO_QUORUM);
	w->node.said_at_ms = 19000;
	assert_false(is_push_refused(w, &w->node, 20000));
	assert_int_equal(service_ready(&w->s, 20000), KEYS_OK);
	/* Of an older channel: nothing gets older by it. */
	w->node.said_at_ms = 12000;
	assert_false(is_push_refused(w, &w->node, 20000));
	assert_int_equal(service_ready(&w->s, 19000 + SERVICE_FRESH_MS), KEYS_OK);
	assert_int_equal(service_ready(&w->s, 19001 + SERVICE_FRESH_MS), KEYS_NO_QUORUM);
}

static void only_nodes_push_without_a_limit(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 100; i++)
		assert_false(is_push_refused(w, &w->node, 1000));
	for (int i = 0; i < 100; i++)
		assert_true(is_push_refused(w, &w->stranger, 1000));
	assert_in_range(w->s.counts.by_reason[KEYS_RATE], 1, 99);
	assert_in_range(w->s.counts.by_reason[KEYS_NOT_A_NODE], 1, 99);
}

/* Whoever commits: the gate learns that lines of its answers may be lost. */
static void failed_commit_is_remembered(void **state)
{
	struct rlimit before, small;
	struct world *w = *state;

	assert_int_equal(service_commit(&w->s), KEYS_OK);
	assert_int_equal(w->s.failed, KEYS_OK);
	assert_true(is_push_refused(w, &w->stranger, 1000)); /* a line for it */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 10;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(service_commit(&w->s), KEYS_AUDIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(service_commit(&w->s), KEYS_OK);
	assert_int_equal(w->s.failed, KEYS_AUDIT);
}

/* ---- every reason for a no */

#define APPS(serial, per_minute) \
	HEAD(serial) \
	IMAGES ",\"release\":\"known\",\"apps\":[{\"app\":\"" ID_A "\",\"images\":[\"base\"]," \
	       "\"instance_keys\":[\"disk\",\"app/\"],\"app_keys\":[\"env\"]," \
	       "\"per_minute\":" #per_minute ",\"instances\":[" \
	       "{\"instance\":\"0900000000000000000000000000000000000000\",\"denied\":true}," \
	       "{\"instance\":\"0800000000000000000000000000000000000000\",\"name\":\"disk\"," \
	       "\"floor\":7}]}]}"

static void put_policy(struct world *w, const char *object)
{
	const struct span policy = sign_policy(w->policy, sizeof(w->policy), &w->admins, object, 3);
	char why[KEYS_POLICY_ERROR_MAX] = "";

	if (keys_cluster_set_policy(&w->cluster, policy, &w->admins.authority, why))
		fail_msg("%s", why);
}

/* Policy 2: an app, and nodes that release alone. */
static void allow_apps(struct world *w)
{
	w->config.source_per_minute = 1000000;
	put_policy(w, APPS(2, 100000));
}

static struct keys_head head(enum keys_type type, uint32_t sequence)
{
	struct keys_head h = { .type = type, .sequence = sequence };

	memcpy(h.session, session, sizeof(h.session));
	return h;
}

static struct span get_body(struct wr *w, uint32_t epoch, enum keys_scope scope,
			    const char *purpose)
{
	const struct keys_head h = head(KEYS_GET, 0);
	struct keys_get m = { .wanted = { { .epoch = epoch, .scope = scope } }, .count = 1 };

	(void)snprintf(m.wanted[0].purpose, sizeof(m.wanted[0].purpose), "%s", purpose);
	keys_write_get(w, &h, &m);
	return wr_span(w);
}

static struct span epoch_body(struct wr *w, const char *name, uint64_t raise_to)
{
	const struct keys_head h = head(KEYS_EPOCH, 0);
	struct keys_epoch m = { .raise_to = raise_to };

	(void)snprintf(m.name, sizeof(m.name), "%s", name);
	keys_write_epoch(w, &h, &m);
	return wr_span(w);
}

static struct span push_body(struct wr *w, uint8_t cluster, uint8_t is_all)
{
	const struct keys_head h = head(KEYS_PUSH, 0);
	const uint8_t id[KEYS_CLUSTER_ID_LEN] = { cluster };

	keys_write_head(w, &h);
	wr_bytes(w, SPAN_ARRAY(id));
	wr_u8(w, is_all);
	return wr_span(w);
}

/* KEYS_OK: it is an answer, or one that waits. */
static enum keys_reason reason_of(const struct service_reply *r)
{
	struct span body = buf_span(&r->body);
	struct keys_refused refused;
	struct keys_head h;

	if (r->is_waiting)
		return KEYS_OK;
	assert_int_equal(keys_read_head(&h, &body), RC_OK);
	assert_int_equal(h.sequence, r->head.sequence);
	assert_memory_equal(h.session, session, sizeof(session));
	assert_int_equal(r->is_refusal, h.type == KEYS_REFUSED);
	if (!r->is_refusal)
		return KEYS_OK;
	assert_int_equal(keys_read_refused(&refused, body), RC_OK);
	return refused.reason;
}

static enum keys_reason ask(struct world *w, const struct service_peer *peer, struct span body)
{
	struct service_reply reply;
	enum keys_reason reason;

	service_reply_init(&reply);
	service_ask(&w->s, &reply, peer, session, 0, body, 1000);
	reason = reason_of(&reply);
	service_reply_wipe(&reply);
	return reason;
}

/* Appended to a whole question; it is then too long by a byte. */
static struct span and_a_byte(struct wr *w, struct span body)
{
	(void)body;
	wr_u8(w, 0);
	return wr_span(w);
}

static void heads_that_are_refused(void **state)
{
	static const struct {
		const char *name;
		struct keys_head h;
		int version; /* 0: as it is */
		size_t cut; /* bytes at the end */
		enum keys_reason want;
	} cases[] = {
		{ "empty", { .type = KEYS_GET }, 0, KEYS_HEAD_LEN, KEYS_MALFORMED },
		{ "a_byte_short", { .type = KEYS_GET }, 0, 1, KEYS_MALFORMED },
		{ "later_version", { .type = KEYS_GET }, 2, 0, KEYS_VERSION },
		{ "not_ours", { .type = KEYS_GET, .session = { 1 } }, 0, 0, KEYS_OTHER_SESSION },
		/* clang-format off */
		{ "seen", { .type = KEYS_GET, .session = { 9 }, .sequence = 1 }, 0, 0,
		  KEYS_REPLAYED },
		/* clang-format on */
		{ "an_answer", { .type = KEYS_KEYS, .session = { 9 } }, 0, 0, KEYS_MALFORMED },
		{ "no_get", { .type = KEYS_GET, .session = { 9 } }, 0, 0, KEYS_MALFORMED },
		{ "no_epoch", { .type = KEYS_EPOCH, .session = { 9 } }, 0, 0, KEYS_MALFORMED },
	};
	struct world *w = *state;

	allow_apps(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const uint64_t before = w->s.counts.by_reason[cases[i].want];
		uint8_t body[KEYS_HEAD_LEN];
		struct wr out = WR_ARRAY(body);
		struct service_reply reply;
		struct keys_refused refused;
		struct span rest;
		struct keys_head h;

		print_message("%s\n", cases[i].name);
		keys_write_head(&out, &cases[i].h);
		if (cases[i].version)
			body[0] = (uint8_t)cases[i].version;
		service_reply_init(&reply);
		service_ask(&w->s, &reply, &w->stranger, session, 0,
			    span_of(body, sizeof(body) - cases[i].cut), 1000);
		rest = buf_span(&reply.body);
		assert_int_equal(keys_read_head(&h, &rest), RC_OK);
		assert_int_equal(h.type, KEYS_REFUSED);
		assert_memory_equal(h.session, session, sizeof(session));
		assert_int_equal(keys_read_refused(&refused, rest), RC_OK);
		assert_int_equal(refused.reason, cases[i].want);
		assert_int_equal(w->s.counts.by_reason[cases[i].want], before + 1);
		service_reply_wipe(&reply);
	}
}

static void keys_that_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t app, instance;
		bool runs_another, is_simulated;
		uint32_t epoch;
		enum keys_scope scope;
		const char *purpose;
		enum keys_reason want;
	} cases[] = {
		{ "released", 0xaa, 2, false, false, 0, KEYS_OF_INSTANCE, "disk", KEYS_OK },
		{ "by_epoch", 0xaa, 2, false, false, 1, KEYS_OF_INSTANCE, "app/x", KEYS_OK },
		{ "released_of_app", 0xaa, 2, false, false, 0, KEYS_OF_APP, "env", KEYS_OK },
		{ "app_not_listed", 0xcc, 2, false, false, 0, KEYS_OF_INSTANCE, "disk",
		  KEYS_APP_UNKNOWN },
		{ "other_code", 0xaa, 2, true, false, 0, KEYS_OF_INSTANCE, "disk",
		  KEYS_MEASUREMENT },
		{ "simulated", 0xaa, 2, false, true, 0, KEYS_OF_INSTANCE, "disk", KEYS_SIMULATED },
		{ "instance_denied", 0xaa, 9, false, false, 0, KEYS_OF_INSTANCE, "disk",
		  KEYS_INSTANCE },
		{ "purpose_not_listed", 0xaa, 2, false, false, 0, KEYS_OF_INSTANCE, "seal",
		  KEYS_PURPOSE },
		{ "other_scope", 0xaa, 2, false, false, 0, KEYS_OF_APP, "disk", KEYS_SCOPE },
		{ "root_that_is_not", 0xaa, 2, false, false, 2, KEYS_OF_INSTANCE, "disk",
		  KEYS_EPOCH_UNKNOWN },
	};
	struct world *w = *state;

	allow_apps(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct service_counts before = w->s.counts;
		struct service_peer peer = { .subject = subject(cases[i].app, cases[i].instance),
					     .name = "cvm",
					     .source = span_str("c") };
		uint8_t body[256];
		struct wr out = WR_ARRAY(body);

		print_message("%s\n", cases[i].name);
		peer.subject.is_simulated = cases[i].is_simulated;
		peer.subject.measurement.rtmr1[0] ^= cases[i].runs_another;
		assert_int_equal(ask(w, &peer,
				     get_body(&out, cases[i].epoch, cases[i].scope,
					      cases[i].purpose)),
				 cases[i].want);
		assert_int_equal(w->s.counts.releases - before.releases, cases[i].want == KEYS_OK);
		assert_int_equal(w->s.counts.keys - before.keys, cases[i].want == KEYS_OK);
	}
}

/* The key is what keys/derive makes of the root, and another app's is another. */
static void released_key_is_the_derived_one(void **state)
{
	struct world *w = *state;
	uint8_t body[256];
	struct wr out = WR_ARRAY(body);
	struct service_reply reply;
	struct keys_keys keys;
	struct key32 want;
	struct keys_head h;
	struct span rest;

	allow_apps(w);
	service_reply_init(&reply);
	service_ask(&w->s, &reply, &w->stranger, session, 0,
		    get_body(&out, 0, KEYS_OF_INSTANCE, "disk"), 1000);
	rest = buf_span(&reply.body);
	assert_int_equal(keys_read_head(&h, &rest), RC_OK);
	assert_int_equal(keys_read_keys(&keys, rest), RC_OK);
	assert_int_equal(keys.count, 1);
	assert_int_equal(keys.keys[0].epoch, 1);
	keys_derive(&want, keys_cluster_root(&w->cluster, 1), KEYS_OF_INSTANCE,
		    w->stranger.subject.app, w->stranger.subject.instance, span_str("disk"));
	assert_memory_equal(keys.keys[0].key.b, want.b, sizeof(want.b));
	service_reply_wipe(&reply);
}

static void questions_before_their_time(void **state)
{
	struct world *w = *state;
	uint8_t body[256];
	struct wr out = WR_ARRAY(body);
	const struct span get = get_body(&out, 0, KEYS_OF_INSTANCE, "disk");

	allow_apps(w);
	put_policy(w, APPS(3, 1)); /* a bucket holds eight */
	for (int i = 0; i < 8; i++)
		assert_int_equal(ask(w, &w->stranger, get), KEYS_OK);
	assert_int_equal(ask(w, &w->stranger, get), KEYS_RATE);
	/* Without a policy, or a root, nobody has anything. */
	keys_cluster_fini(&w->cluster);
	keys_cluster_init(&w->cluster);
	assert_int_equal(service_ready(&w->s, 1000), KEYS_NOT_READY);
	assert_int_equal(ask(w, &w->stranger, get), KEYS_NOT_READY);
	assert_false(service_advance(&w->s));
}

static void longer_questions_are_malformed(void **state)
{
	struct world *w = *state;
	uint8_t a[256], b[256];
	struct wr get = WR_ARRAY(a), epoch = WR_ARRAY(b);

	allow_apps(w);
	assert_int_equal(ask(w, &w->stranger,
			     and_a_byte(&get, get_body(&get, 0, KEYS_OF_INSTANCE, "disk"))),
			 KEYS_MALFORMED);
	assert_int_equal(ask(w, &w->stranger, and_a_byte(&epoch, epoch_body(&epoch, "disk", 0))),
			 KEYS_MALFORMED);
}

/* ---- numbers */

static void link_node(struct world *w, uint8_t instance, uint64_t confirmed)
{
	const uint8_t id[KEYS_ID_LEN] = { instance };
	struct keys_node *n = keys_quorum_node(&w->s.quorum, id);

	assert_non_null(n);
	n->is_linked = true;
	n->confirmed = confirmed;
}

static void numbers_that_are_refused(void **state)
{
	struct world *w = *state;
	uint8_t a[256], b[256];
	struct wr disk = WR_ARRAY(a), seal = WR_ARRAY(b);
	const struct span of_disk = epoch_body(&disk, "disk", 3);
	const struct span of_seal = epoch_body(&seal, "seal", 3);

	allow_apps(w);
	assert_int_equal(ask(w, &w->node, of_disk), KEYS_APP_UNKNOWN);
	assert_int_equal(ask(w, &w->stranger, of_seal), KEYS_PURPOSE);
	assert_int_equal(ask(w, &w->stranger, of_disk), KEYS_NO_QUORUM);
	link_node(w, 2, 0);
	assert_int_equal(ask(w, &w->stranger, of_disk), KEYS_OK);
	for (uint32_t i = 1; i < KEYS_RECORDS_APP_MAX; i++) {
		uint8_t id[KEYS_ID_LEN] = { 3, (uint8_t)i, (uint8_t)(i >> 8) };

		assert_non_null(keys_cluster_record(&w->cluster, w->stranger.subject.app, id,
						    "disk"));
	}
	w->stranger.subject.instance[0] = 4;
	assert_int_equal(ask(w, &w->stranger, of_disk), KEYS_FULL);
}

static uint64_t number_in(const struct service_reply *r)
{
	struct span rest = buf_span(&r->body);
	struct keys_head h;
	uint64_t v;

	assert_int_equal(keys_read_head(&h, &rest), RC_OK);
	assert_int_equal(h.type, KEYS_EPOCH_IS);
	assert_int_equal(keys_read_epoch_is(&v, rest), RC_OK);
	return v;
}

/* Answered when this node has it on disk and a majority holds it; at once where all that are
 * there do, a second later where one is slow, and never where too few do. */
static void numbers_wait_for_a_majority(void **state)
{
	static const struct {
		const char *name;
		bool is_dirty;
		int holding, lagging; /* linked nodes besides this one */
		uint64_t waited_ms;
		int want; /* 0: waits, 1: answered, -1: refused */
	} cases[] = {
		{ "all_linked_hold_it", false, 1, 0, 0, 1 },
		{ "both_others_hold_it", false, 2, 0, 0, 1 },
		{ "not_on_disk_here", true, 2, 0, SERVICE_EPOCH_MS, 0 },
		{ "one_is_slow", false, 1, 1, SERVICE_SETTLE_MS - 1, 0 },
		{ "one_is_slow_for_long", false, 1, 1, SERVICE_SETTLE_MS, 1 },
		{ "too_few", false, 0, 2, SERVICE_EPOCH_MS - 1, 0 },
		{ "too_few_for_long", false, 0, 2, SERVICE_EPOCH_MS, -1 },
	};
	struct world *w = *state;

	allow_apps(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct service_reply reply;
		uint8_t body[256];
		struct wr out = WR_ARRAY(body);

		print_message("%s\n", cases[i].name);
		w->s.quorum.count = 0;
		w->s.is_dirty = false;
		link_node(w, 2, 0);
		service_reply_init(&reply);
		service_ask(&w->s, &reply, &w->stranger, session, 0,
			    epoch_body(&out, "disk", 10 + i), 1000);
		assert_true(reply.is_waiting);
		assert_true(w->s.is_dirty);
		assert_int_equal(service_commit(&w->s), KEYS_OK);
		assert_false(w->s.is_dirty);
		w->s.is_dirty = cases[i].is_dirty;
		for (int n = 0; n < cases[i].holding; n++)
			link_node(w, (uint8_t)(2 + n), w->cluster.version);
		for (int n = 0; n < cases[i].lagging; n++)
			link_node(w, (uint8_t)(2 + cases[i].holding + n), 0);
		assert_int_equal(service_epoch_check(&w->s, &reply, 1000 + cases[i].waited_ms),
				 cases[i].want != 0);
		assert_int_equal(reply.is_refusal, cases[i].want < 0);
		if (cases[i].want > 0)
			assert_int_equal(number_in(&reply), 10 + i);
		else if (cases[i].want < 0)
			assert_int_equal(reason_of(&reply), KEYS_NO_QUORUM);
		service_reply_wipe(&reply);
	}
}

static void number_is_at_least_what_the_policy_says(void **state)
{
	struct world *w = *state;
	struct service_reply reply;
	uint8_t body[256];
	struct wr out = WR_ARRAY(body);

	allow_apps(w);
	link_node(w, 2, UINT64_MAX);
	w->stranger.subject.instance[0] = 8;
	service_reply_init(&reply);
	service_ask(&w->s, &reply, &w->stranger, session, 0, epoch_body(&out, "disk", 0), 1000);
	assert_int_equal(service_commit(&w->s), KEYS_OK);
	assert_true(service_epoch_check(&w->s, &reply, 1000));
	assert_int_equal(number_in(&reply), 7);
	service_reply_wipe(&reply);
}

/* ---- nodes */

static void pushes_that_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t app, cluster, is_all;
		size_t cut;
		enum keys_reason want;
	} cases[] = {
		{ "node", 0xbb, 7, 1, 0, KEYS_OK },
		{ "node_that_has_more", 0xbb, 7, 0, 0, KEYS_OK },
		{ "no_node", 0xaa, 7, 1, 0, KEYS_NOT_A_NODE },
		{ "flag_that_is_not", 0xbb, 7, 2, 0, KEYS_MALFORMED },
		{ "no_flag", 0xbb, 7, 1, 1, KEYS_MALFORMED },
		{ "id_too_short", 0xbb, 7, 1, 2, KEYS_MALFORMED },
		{ "other_cluster", 0xbb, 8, 1, 0, KEYS_OTHER_CLUSTER },
	};
	struct world *w = *state;

	w->config.source_per_minute = 1000000;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const uint64_t before = w->s.counts.pushes;
		const struct service_peer peer = { subject(cases[i].app, 2), "node", span_str("a"),
						   0 };
		uint8_t body[256];
		struct wr out = WR_ARRAY(body);
		struct span whole = push_body(&out, cases[i].cluster, cases[i].is_all);

		print_message("%s\n", cases[i].name);
		whole.n -= cases[i].cut;
		assert_int_equal(ask(w, &peer, whole), cases[i].want);
		assert_int_equal(w->s.counts.pushes - before, cases[i].want == KEYS_OK);
	}
}

static void root_is_active_once_all_nodes_hold_it(void **state)
{
	struct world *w = *state;

	assert_false(service_advance(&w->s)); /* nothing is pending */
	assert_int_equal(service_rotate(&w->s), KEYS_OK);
	assert_int_equal(service_rotate(&w->s), KEYS_DONE_ALREADY);
	assert_int_equal(keys_cluster_newest(&w->cluster), 1);
	link_node(w, 2, w->cluster.version);
	assert_false(service_advance(&w->s));
	link_node(w, 3, w->cluster.version);
	w->s.is_dirty = true;
	assert_false(service_advance(&w->s));
	w->s.is_dirty = false;
	assert_true(service_advance(&w->s));
	assert_true(w->s.is_dirty);
	assert_int_equal(keys_cluster_newest(&w->cluster), 2);
	assert_false(service_advance(&w->s));
}

/* ---- the administrator */

static void policies_are_set_in_order(void **state)
{
	struct world *w = *state;
	char room[16384], error[KEYS_POLICY_ERROR_MAX];
	struct span newer = sign_policy(room, sizeof(room), &w->admins, HEAD(5) "}", 3);

	assert_int_equal(service_set_policy(&w->s, newer, error), KEYS_OK);
	assert_int_equal(w->cluster.policy.serial, 5);
	assert_int_equal(service_set_policy(&w->s, newer, error), KEYS_OK);
	newer = sign_policy(room, sizeof(room), &w->admins, HEAD(4) "}", 3);
	assert_int_equal(service_set_policy(&w->s, newer, error), KEYS_SERIAL);
	newer = sign_policy(room, sizeof(room), &w->admins, HEAD(6) "}", 1);
	assert_int_equal(service_set_policy(&w->s, newer, error), KEYS_SIGNATURES);
	assert_int_equal(service_set_policy(&w->s, span_str("no"), error), KEYS_MALFORMED);
	assert_int_equal(w->cluster.policy.serial, 5);
	w->cluster.is_founded = false;
	assert_int_equal(service_set_policy(&w->s, newer, error), KEYS_NOT_READY);
	w->cluster.is_founded = true;
}

static void bootstrap_is_once_and_names_this_node(void **state)
{
	static const char others[] =
		"{\"type\":\"postern/kms-policy/v1\",\"serial\":1,"
		"\"issued\":\"2026-11-28T00:00:00Z\",\"nodes\":[\"" NODE_2 "\"]}";
	struct world *w = *state;
	char room[16384], error[KEYS_POLICY_ERROR_MAX] = "x";
	struct span policy = sign_policy(room, sizeof(room), &w->admins, HEAD(1) "}", 3);

	assert_int_equal(service_bootstrap(&w->s, policy, error), KEYS_DONE_ALREADY);
	assert_string_equal(error, "");
	keys_cluster_fini(&w->cluster);
	keys_cluster_init(&w->cluster);
	assert_int_equal(service_bootstrap(&w->s, span_str("no"), error), KEYS_MALFORMED);
	policy = sign_policy(room, sizeof(room), &w->admins, others, 3);
	assert_int_equal(service_bootstrap(&w->s, policy, error), KEYS_NOT_A_NODE);
	assert_string_equal(error, "nodes: this node is not among them");
	assert_false(w->cluster.is_founded);
	policy = sign_policy(room, sizeof(room), &w->admins, HEAD(1) "}", 3);
	assert_int_equal(service_bootstrap(&w->s, policy, error), KEYS_OK);
	assert_true(w->cluster.is_founded);
	assert_int_equal(w->cluster.root_count, 1);
	assert_int_equal(keys_cluster_newest(&w->cluster), 0); /* pending */
}

/* Whatever the commands did, where it is not on disk they say so. */
static void commands_fail_where_the_log_does(void **state)
{
	struct rlimit before, small;
	struct world *w = *state;
	char room[16384], error[KEYS_POLICY_ERROR_MAX];
	const struct span newer = sign_policy(room, sizeof(room), &w->admins, HEAD(5) "}", 3);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 10;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(service_set_policy(&w->s, newer, error), KEYS_AUDIT);
	assert_int_equal(service_rotate(&w->s), KEYS_AUDIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void strangers_fill_no_log(void **state)
{
	struct world *w = *state;
	uint64_t lines;

	w->s.refusal_lines = (struct log_limit){ .burst = 4, .interval_ms = 500 };
	assert_int_equal(service_commit(&w->s), KEYS_OK);
	lines = journal_chain(w->journal).seq;
	for (int i = 0; i < 100; i++)
		service_note_stranger(&w->s, "192.0.2.1:1", "malformed", "x", 1000);
	assert_int_equal(w->s.counts.refusals, 100);
	assert_int_equal(service_commit(&w->s), KEYS_OK);
	/* Four lines and the signature of the batch. */
	assert_in_range(journal_chain(w->journal).seq - lines, 4, 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_told_is_as_old_as_our_last_words),
		T(only_nodes_push_without_a_limit),
		T(failed_commit_is_remembered),
		T(heads_that_are_refused),
		T(keys_that_are_refused),
		T(released_key_is_the_derived_one),
		T(questions_before_their_time),
		T(longer_questions_are_malformed),
		T(numbers_that_are_refused),
		T(numbers_wait_for_a_majority),
		T(number_is_at_least_what_the_policy_says),
		T(pushes_that_are_refused),
		T(root_is_active_once_all_nodes_hold_it),
		T(policies_are_set_in_order),
		T(bootstrap_is_once_and_names_this_node),
		T(commands_fail_where_the_log_does),
		T(strangers_fill_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

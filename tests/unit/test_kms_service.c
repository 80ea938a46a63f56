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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_told_is_as_old_as_our_last_words),
		T(only_nodes_push_without_a_limit),
		T(failed_commit_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

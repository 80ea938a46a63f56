#include "kms/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/clock.h"
#include "keys/held.h"
#include "keys/merge.h"
#include "keys/policy_read.h"

enum {
	PUSH_HEAD_LEN = KEYS_CLUSTER_ID_LEN + 1,
	INSTANCE_SHARE = 10, /* of an app's rate, one instance's */
};

/* ---- replies ---- */

void service_reply_init(struct service_reply *r)
{
	*r = (struct service_reply){ 0 };
	buf_init(&r->body, KEYS_BODY_MAX);
}

void service_reply_wipe(struct service_reply *r)
{
	buf_wipe(&r->body);
	r->is_waiting = r->is_refusal = false;
}

/* One that does not fit is our own mistake, and says nothing. */
static void say(struct service_reply *r, const struct wr *w)
{
	struct span done;

	service_reply_wipe(r);
	if (wr_done(w, &done))
		(void)!buf_add(&r->body, done);
}

static struct keys_head answer_head(const struct service_reply *r,
				    enum keys_type type)
{
	struct keys_head h = r->head;

	h.type = type;
	return h;
}

void service_refuse(struct service_reply *r, enum keys_reason reason,
		    const char *detail)
{
	uint8_t body[KEYS_HEAD_LEN + 3 + KEYS_DETAIL_MAX];
	struct keys_head h = answer_head(r, KEYS_REFUSED);
	struct keys_refused m = { .reason = reason };
	struct wr w = WR_ARRAY(body);

	(void)snprintf(m.detail, sizeof(m.detail), "%s", detail);
	keys_write_refused(&w, &h, &m);
	say(r, &w);
	r->is_refusal = true;
}

/* ---- the audit log ---- */

static void note(struct service *s, const char *event,
		 const struct service_peer *peer, const char *what,
		 enum keys_reason reason, const char *detail)
{
	struct keys_audit_event e = {
		.at = clock_unix_s(),
		.event = event,
		.what = what,
		.reason = keys_reason_name(reason),
		.detail = detail,
	};

	if (peer) {
		e.app = peer->subject.app;
		e.instance = peer->subject.instance;
		e.peer = peer->name;
	}
	journal_add(s->journal, &e);
}

/* An answer that is no: it is counted, logged, kept. */
static void refuse(struct service *s, struct service_reply *out,
		   const struct service_peer *peer, const char *what,
		   enum keys_reason reason, const char *detail, uint64_t now_ms)
{
	uint64_t dropped = 0;

	s->counts.refusals++;
	s->counts.by_reason[reason]++;
	service_refuse(out, reason, detail);
	/* Who asks too often must not fill the disk with it. */
	if (reason != KEYS_RATE ||
	    log_limit_pass(&s->rate_lines, now_ms, &dropped))
		note(s, "refusal", peer, what, reason, detail);
	dropped = 0;
	if (log_limit_pass(&s->refusal_lines, now_ms, &dropped))
		log_event(s->log, LOG_WARN, "refused", LSTR("peer", peer->name),
			  LHEX("app", SPAN_ARRAY(peer->subject.app)),
			  LHEX("instance", SPAN_ARRAY(peer->subject.instance)),
			  LSTR("reason", keys_reason_name(reason)),
			  LSTR("detail", detail),
			  LU64("dropped_lines", dropped));
}

void service_note_stranger(struct service *s, const char *peer,
			   const char *reason, const char *detail,
			   uint64_t now_ms)
{
	uint64_t dropped = 0;
	const struct keys_audit_event e = {
		.at = clock_unix_s(),
		.event = "channel_refused",
		.peer = peer,
		.reason = reason,
		.detail = detail,
	};

	s->counts.refusals++;
	if (!log_limit_pass(&s->refusal_lines, now_ms, &dropped))
		return;
	log_event(s->log, LOG_WARN, "channel_refused", LSTR("peer", peer),
		  LSTR("reason", reason), LSPAN("detail", span_str(detail)),
		  LU64("dropped_lines", dropped));
	journal_add(s->journal, &e);
}

enum keys_reason service_commit(struct service *s)
{
	enum keys_reason reason = KEYS_OK;

	if (s->is_dirty && keep_write(s->keep, s->cluster)) {
		log_event(s->log, LOG_ERROR, "state_not_saved",
			  LERRNO("why", errno));
		reason = KEYS_INTERNAL;
	} else {
		s->is_dirty = false;
	}
	if (journal_flush(s->journal, clock_unix_s())) {
		log_event(s->log, LOG_ERROR, "audit_not_written",
			  LERRNO("why", errno));
		reason = KEYS_AUDIT;
	}
	if (reason)
		s->failed = reason;
	return reason;
}

/* ---- keys ---- */

enum keys_reason service_ready(const struct service *s, uint64_t now_ms)
{
	const struct keys_policy *p = keys_cluster_policy(s->cluster);

	if (!p || !keys_cluster_newest(s->cluster))
		return KEYS_NOT_READY;
	if (!p->releases_alone &&
	    !keys_quorum_is_fresh(&s->quorum, p, now_ms, SERVICE_FRESH_MS))
		return KEYS_NO_QUORUM;
	return KEYS_OK;
}

static void name_wanted(struct wr *w, const struct keys_get *m, uint32_t newest)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct keys_wanted *k = &m->wanted[i];

		wr_printf(w, "%s%s %s@%u", i ? ", " : "",
			  k->scope == KEYS_OF_APP ? "app" : "instance",
			  k->purpose, k->epoch ? k->epoch : newest);
	}
}

static bool is_slow_enough(struct service *s, const struct service_peer *peer,
			   uint32_t per_minute, uint64_t now_ms)
{
	uint32_t share = per_minute / INSTANCE_SHARE;

	return keys_rate_pass(s->instances, SPAN_ARRAY(peer->subject.instance),
			      share ? share : 1, now_ms) &&
	       keys_rate_pass(s->apps, SPAN_ARRAY(peer->subject.app),
			      per_minute, now_ms);
}

/* Whom the policy lets ask at all, and often enough. */
static enum keys_reason may_ask(struct service *s,
				const struct service_peer *peer,
				uint64_t now_ms)
{
	const struct keys_policy *p = keys_cluster_policy(s->cluster);
	const struct keys_app *app;
	enum keys_reason reason = p ? KEYS_OK : KEYS_NOT_READY;

	if (!reason)
		reason = keys_policy_admits(p, &peer->subject);
	if (reason)
		return reason;
	app = keys_policy_app(p, peer->subject.app);
	return is_slow_enough(s, peer, app->per_minute, now_ms) ? KEYS_OK
								: KEYS_RATE;
}

static enum keys_reason derive_all(const struct service *s,
				   const struct service_peer *peer,
				   const struct keys_get *m,
				   struct keys_keys *out)
{
	const struct keys_policy *p = keys_cluster_policy(s->cluster);
	uint32_t newest = keys_cluster_newest(s->cluster);

	for (size_t i = 0; i < m->count; i++) {
		const struct keys_wanted *k = &m->wanted[i];
		uint32_t epoch = k->epoch ? k->epoch : newest;
		const struct keys_root *root =
			keys_cluster_root(s->cluster, epoch);
		enum keys_reason reason =
			keys_policy_allows(p, &peer->subject, k, newest);

		if (!reason && !root)
			reason = KEYS_EPOCH_UNKNOWN;
		if (reason)
			return reason;
		out->keys[i].epoch = epoch;
		keys_derive(&out->keys[i].key, root, k->scope,
			    peer->subject.app, peer->subject.instance,
			    span_str(k->purpose));
	}
	out->count = m->count;
	return KEYS_OK;
}

/* Of the app's later manifests, and of what is none of its: for who reads the
 * log, since the app's id does not tell them apart. */
static void name_manifest(char out[KEYS_DETAIL_MAX],
			  const struct keys_subject *s)
{
	struct wr w = wr_over(out, KEYS_DETAIL_MAX - 1);

	if (keys_policy_is_founder(s))
		return;
	wr_str(&w, "manifest ");
	text_hex(&w, SPAN_ARRAY(s->manifest.b));
}

static void on_get(struct service *s, struct service_reply *out,
		   const struct service_peer *peer, struct span rest,
		   uint64_t now_ms)
{
	uint8_t body[KEYS_HEAD_LEN + 1 + KEYS_WANTED_MAX * 36];
	struct wr w = WR_ARRAY(body);
	char what[KEYS_AUDIT_WHAT_MAX + 1] = "";
	struct wr names = wr_over(what, sizeof(what) - 1);
	struct keys_head h = answer_head(out, KEYS_KEYS);
	AUTO(keys_keys_wipe)
	struct keys_keys keys = { 0 };
	char detail[KEYS_DETAIL_MAX] = "";
	enum keys_reason reason;
	struct keys_get m;

	if (keys_read_get(&m, rest)) {
		refuse(s, out, peer, "", KEYS_MALFORMED, "get", now_ms);
		return;
	}
	name_wanted(&names, &m, keys_cluster_newest(s->cluster));
	name_manifest(detail, &peer->subject);
	reason = may_ask(s, peer, now_ms);
	if (!reason)
		reason = service_ready(s, now_ms);
	if (!reason)
		reason = derive_all(s, peer, &m, &keys);
	if (reason) {
		refuse(s, out, peer, what, reason, detail, now_ms);
		return;
	}
	s->counts.releases++;
	s->counts.keys += m.count;
	note(s, "release", peer, what, KEYS_OK, detail);
	keys_write_keys(&w, &h, &keys);
	say(out, &w);
	secret_wipe(body, sizeof(body));
}

/* ---- numbers ---- */

static void on_epoch(struct service *s, struct service_reply *out,
		     const struct service_peer *peer, struct span rest,
		     uint64_t now_ms)
{
	const struct keys_policy *p = keys_cluster_policy(s->cluster);
	enum keys_reason reason;
	struct keys_record *record = NULL;
	char detail[KEYS_DETAIL_MAX] = "";
	struct keys_epoch m;

	if (keys_read_epoch(&m, rest)) {
		refuse(s, out, peer, "", KEYS_MALFORMED, "epoch", now_ms);
		return;
	}
	name_manifest(detail, &peer->subject);
	reason = may_ask(s, peer, now_ms);
	if (!reason)
		reason = keys_policy_epoch(&out->floor, p, &peer->subject,
					   m.name);
	if (!reason && keys_quorum_linked(&s->quorum, p) <
			       keys_majority(p->node_count))
		reason = KEYS_NO_QUORUM;
	if (!reason)
		record = keys_cluster_record(s->cluster, peer->subject.app,
					     peer->subject.instance, m.name);
	if (!reason && !record)
		reason = KEYS_FULL;
	if (reason) {
		refuse(s, out, peer, m.name, reason, detail, now_ms);
		return;
	}
	s->counts.epochs++;
	s->is_dirty |= keys_cluster_raise(s->cluster, record, m.raise_to);
	out->is_waiting = true;
	out->asked_at_ms = now_ms;
	memcpy(out->app, peer->subject.app, sizeof(out->app));
	memcpy(out->instance, peer->subject.instance, sizeof(out->instance));
	memcpy(out->name, m.name, sizeof(out->name));
}

static void answer_epoch(struct service *s, struct service_reply *r,
			 uint64_t value)
{
	uint8_t body[KEYS_HEAD_LEN + 8];
	struct keys_head h = answer_head(r, KEYS_EPOCH_IS);
	struct wr w = WR_ARRAY(body);
	char what[KEYS_PURPOSE_MAX + 32];
	const struct keys_audit_event e = {
		.at = clock_unix_s(),
		.event = "epoch",
		.app = r->app,
		.instance = r->instance,
		.what = what,
		.reason = keys_reason_name(KEYS_OK),
	};

	if (value < r->floor)
		value = r->floor;
	(void)snprintf(what, sizeof(what), "%s=%llu", r->name,
		       (unsigned long long)value);
	journal_add(s->journal, &e);
	keys_write_epoch_is(&w, &h, value);
	say(r, &w);
}

bool service_epoch_check(struct service *s, struct service_reply *r,
			 uint64_t now_ms)
{
	const struct keys_policy *p = keys_cluster_policy(s->cluster);
	const struct keys_record *record =
		keys_cluster_find(s->cluster, r->app, r->instance, r->name);
	uint64_t waited = now_ms - r->asked_at_ms;
	bool is_held;

	if (s->is_dirty || !record)
		return false;
	is_held = keys_quorum_holders(&s->quorum, p, record->version) >=
		  keys_majority(p->node_count);
	if (is_held &&
	    (waited >= SERVICE_SETTLE_MS ||
	     keys_quorum_is_settled(&s->quorum, p, record->version))) {
		answer_epoch(s, r, record->value);
		return true;
	}
	if (waited < SERVICE_EPOCH_MS)
		return false;
	s->counts.refusals++;
	s->counts.by_reason[KEYS_NO_QUORUM]++;
	service_refuse(r, KEYS_NO_QUORUM, "raised or not is not known");
	return true;
}

/* ---- other nodes ---- */

bool service_is_node(const struct service *s, const struct service_peer *peer)
{
	const struct keys_policy *p = keys_cluster_policy(s->cluster);

	return keys_policy_is_kms(p, &peer->subject, &s->own) &&
	       (!p || keys_policy_has_node(p, peer->subject.instance));
}

static void on_push(struct service *s, struct service_reply *out,
		    const struct service_peer *peer, struct span rest,
		    uint64_t now_ms)
{
	struct keys_head h = answer_head(out, KEYS_HELD);
	uint8_t id[KEYS_CLUSTER_ID_LEN], is_all;
	struct keys_merged merged;
	struct keys_node *node;
	uint8_t *body;
	struct wr w;

	if (!service_is_node(s, peer)) {
		refuse(s, out, peer, "push", KEYS_NOT_A_NODE, "", now_ms);
		return;
	}
	if (!rd_copy(&rest, id, sizeof(id)) || !rd_u8(&rest, &is_all) ||
	    is_all > 1) {
		refuse(s, out, peer, "push", KEYS_MALFORMED, "push", now_ms);
		return;
	}
	merged = keys_merge(s->cluster, id, rest, s->own.instance,
			    &s->authority);
	s->is_dirty |= merged.is_changed;
	if (merged.is_changed)
		note(s, "merged", peer, "push", merged.refused, merged.error);
	if (merged.refused) {
		refuse(s, out, peer, "push", merged.refused, merged.error,
		       now_ms);
		return;
	}
	s->counts.pushes++;
	node = keys_quorum_node(&s->quorum, peer->subject.instance);
	if (node && is_all) {
		node->was_heard = true;
		if (node->heard_at_ms < peer->said_at_ms)
			node->heard_at_ms = peer->said_at_ms;
	}
	body = mem_new(KEYS_BODY_MAX);
	w = wr_over(body, KEYS_BODY_MAX);
	keys_write_head(&w, &h);
	keys_held_write(&w, s->cluster, rest);
	say(out, &w);
	mem_auto_free(&body);
}

void service_ask(struct service *s, struct service_reply *out,
		 const struct service_peer *peer,
		 const uint8_t session[KEYS_SESSION_LEN], uint32_t sequence,
		 struct span body, uint64_t now_ms)
{
	struct keys_head h = { 0 };
	enum rc rc = keys_read_head(&h, &body);

	s->counts.questions++;
	out->head = h;
	memcpy(out->head.session, session, KEYS_SESSION_LEN);
	if (!(h.type == KEYS_PUSH && service_is_node(s, peer)) &&
	    !keys_rate_pass(s->sources, peer->source,
			    (uint32_t)s->config->source_per_minute, now_ms))
		refuse(s, out, peer, "", KEYS_RATE, "source", now_ms);
	else if (rc)
		refuse(s, out, peer, "",
		       rc == RC_UNSUPPORTED ? KEYS_VERSION : KEYS_MALFORMED,
		       "head", now_ms);
	else if (!ct_equal(h.session, session, KEYS_SESSION_LEN))
		refuse(s, out, peer, "", KEYS_OTHER_SESSION, "", now_ms);
	else if (h.sequence != sequence)
		refuse(s, out, peer, "", KEYS_REPLAYED, "sequence", now_ms);
	else if (h.type == KEYS_GET)
		on_get(s, out, peer, body, now_ms);
	else if (h.type == KEYS_EPOCH)
		on_epoch(s, out, peer, body, now_ms);
	else if (h.type == KEYS_PUSH)
		on_push(s, out, peer, body, now_ms);
	else
		refuse(s, out, peer, "", KEYS_MALFORMED, "type", now_ms);
}

bool service_advance(struct service *s)
{
	struct keys_root_item *pending = keys_cluster_pending(s->cluster);
	const struct keys_policy *p = keys_cluster_policy(s->cluster);
	char what[48];

	if (!pending || !p || s->is_dirty ||
	    keys_quorum_holders(&s->quorum, p, pending->version) <
		    p->node_count)
		return false;
	(void)snprintf(what, sizeof(what), "epoch %u", pending->root.epoch);
	keys_cluster_activate(s->cluster);
	s->is_dirty = true;
	note(s, "root_active", NULL, what, KEYS_OK, "");
	log_event(s->log, LOG_INFO, "root_active",
		  LU64("epoch", keys_cluster_newest(s->cluster)));
	return true;
}

/* ---- the administrator ---- */

static bool names_us(const struct service *s, struct span policy,
		     char error[KEYS_POLICY_ERROR_MAX],
		     enum keys_reason *reason)
{
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	struct keys_policy p;

	*reason = keys_policy_read(&p, &arena, policy, &s->authority, error);
	if (*reason)
		return false;
	if (keys_policy_has_node(&p, s->own.instance))
		return true;
	*reason = KEYS_NOT_A_NODE;
	(void)snprintf(error, KEYS_POLICY_ERROR_MAX,
		       "nodes: this node is not among them");
	return false;
}

enum keys_reason service_bootstrap(struct service *s, struct span policy,
				   char error[KEYS_POLICY_ERROR_MAX])
{
	uint8_t id[KEYS_CLUSTER_ID_LEN];
	AUTO(key32_wipe)
	struct key32 root;
	enum keys_reason reason;

	error[0] = '\0';
	if (s->cluster->is_founded)
		return KEYS_DONE_ALREADY;
	if (!names_us(s, policy, error, &reason))
		return reason;
	rng_bytes(id, sizeof(id));
	rng_bytes(root.b, sizeof(root.b));
	reason = keys_cluster_found(s->cluster, id, &root, policy,
				    &s->authority, error);
	if (reason)
		return reason;
	s->is_dirty = true;
	note(s, "bootstrap", NULL, "epoch 1", KEYS_OK, "");
	reason = service_commit(s);
	log_event(s->log, LOG_INFO, "bootstrap",
		  LHEX("cluster", SPAN_ARRAY(s->cluster->id)),
		  LSTR("reason", keys_reason_name(reason)));
	return reason;
}

/* Only where an administrator hands it in: a node that was away comes from one
 * policy to a much later one.  What cannot be read is said by who takes it. */
static bool changes_one_node(const struct service *s, struct span policy,
			     char error[KEYS_POLICY_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	const struct keys_policy *now = keys_cluster_policy(s->cluster);
	struct keys_policy p;
	size_t changes;

	if (!now ||
	    keys_policy_read(&p, &arena, policy, &s->authority, error))
		return true;
	changes = keys_policy_node_changes(now, &p);
	if (changes <= 1 || p.is_majority_lost)
		return true;
	(void)snprintf(error, KEYS_POLICY_ERROR_MAX,
		       "nodes: expected one to come or go, found %zu; or "
		       "majority_lost, if that is so",
		       changes);
	return false;
}

enum keys_reason service_set_policy(struct service *s, struct span policy,
				    char error[KEYS_POLICY_ERROR_MAX])
{
	uint64_t version = s->cluster->version;
	enum keys_reason reason = KEYS_NOT_READY;
	char what[32] = "policy";

	error[0] = '\0';
	if (s->cluster->is_founded)
		reason = changes_one_node(s, policy, error)
				 ? keys_cluster_set_policy(s->cluster, policy,
							   &s->authority, error)
				 : KEYS_NODES;
	if (s->cluster->version != version) {
		s->is_dirty = true;
		(void)snprintf(what, sizeof(what), "policy serial %u",
			       s->cluster->policy.serial);
	}
	note(s, reason ? "policy_refused" : "policy_set", NULL, what, reason,
	     error);
	log_event(s->log, LOG_INFO, "policy_set", LSTR("what", what),
		  LSTR("reason", keys_reason_name(reason)),
		  LSTR("detail", error));
	if (service_commit(s) && !reason)
		return KEYS_AUDIT;
	return reason;
}

enum keys_reason service_rotate(struct service *s)
{
	AUTO(key32_wipe)
	struct key32 root;
	enum keys_reason reason;
	char what[48];

	rng_bytes(root.b, sizeof(root.b));
	reason = keys_cluster_rotate(s->cluster, &root);
	if (!reason)
		s->is_dirty = true;
	(void)snprintf(what, sizeof(what), "epoch %zu", s->cluster->root_count);
	note(s, "rotate", NULL, what, reason, "");
	if (service_commit(s) && !reason)
		return KEYS_AUDIT;
	return reason;
}

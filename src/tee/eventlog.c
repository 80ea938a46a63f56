#include "tee/eventlog.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tee/document.h"

enum {
	EVENT_NAME_MAX = 128,
	PAYLOAD_MAX = 16 * 1024,
	ELEMENT_FRAME_MAX = 512, /* of an event's JSON, the payload apart */
	VERSION_MAX = 2,
};

void eventlog_digest(struct sha384 *out, struct span event, struct span payload)
{
	uint8_t type[4];
	struct wr w = WR_ARRAY(type);
	const struct span parts[] = {
		SPAN_ARRAY(type),
		span_str(":"),
		event,
		span_str(":"),
		payload,
	};

	wr_le32(&w, EVENTLOG_RUNTIME_TYPE);
	sha384_parts(out, parts, 5);
}

/* A name that needs no escapes in JSON: printable ASCII but " and \. */
static bool is_name(struct span event)
{
	for (size_t i = 0; i < event.n; i++)
		if (event.p[i] < 0x20 || event.p[i] > 0x7e ||
		    event.p[i] == '"' || event.p[i] == '\\')
			return false;
	return event.n <= EVENT_NAME_MAX;
}

bool eventlog_digest_v2(struct sha384 *out, struct span event,
			struct span payload)
{
	char end[32];
	struct wr w = WR_ARRAY(end);
	AUTO(mem_auto_free)
	void *room = mem_new_array(payload.n + 1, 2);
	struct wr hex = wr_over(room, 2 * payload.n);

	if (!is_name(event))
		return false;
	text_hex(&hex, payload);
	wr_printf(&w, "\",\"type\":%d}", EVENTLOG_RUNTIME_TYPE);
	const struct span parts[] = {
		span_str("{\"name\":\""),
		event,
		span_str("\",\"payload\":\""),
		wr_span(&hex),
		wr_span(&w),
	};
	sha384_parts(out, parts, 5);
	return true;
}

void eventlog_extend(struct sha384 *value, const struct sha384 *digest)
{
	const struct span parts[] = {
		SPAN_ARRAY(value->b),
		SPAN_ARRAY(digest->b),
	};

	sha384_parts(value, parts, 2);
}

void eventlog_init(struct eventlog *log)
{
	buf_init(&log->json, EVENTLOG_MAX - 2);
}

void eventlog_fini(struct eventlog *log)
{
	buf_fini(&log->json);
}

enum rc eventlog_append(struct eventlog *log, struct sha384 *digest,
			const char *event, struct span payload)
{
	struct sha384 d;
	AUTO(mem_auto_free)
	void *room = NULL;
	struct span element;
	struct wr w;

	if (!is_name(span_str(event)))
		return RC_MALFORMED;
	if (payload.n > PAYLOAD_MAX)
		return RC_LIMIT;
	room = mem_new(2 * payload.n + ELEMENT_FRAME_MAX);
	w = wr_over(room, 2 * payload.n + ELEMENT_FRAME_MAX);
	eventlog_digest(&d, span_str(event), payload);
	wr_printf(&w, "%s{\"imr\":%d,\"event_type\":%d,\"digest\":\"",
		  buf_span(&log->json).n ? "," : "", EVENTLOG_RTMR,
		  EVENTLOG_RUNTIME_TYPE);
	text_hex(&w, SPAN_ARRAY(d.b));
	wr_printf(&w, "\",\"event\":\"%s\",\"event_payload\":\"", event);
	text_hex(&w, payload);
	wr_str(&w, "\"}");
	if (!wr_done(&w, &element) || !buf_add(&log->json, element))
		return RC_LIMIT;
	*digest = d;
	return RC_OK;
}

const char *const eventlog_boot_names[EVENTLOG_BOOT_COUNT] = {
	"system-preparing",
	"app-id",
	"compose-hash",
	"instance-id",
	"boot-mr-done",
};

enum rc eventlog_append_boot(struct eventlog *log,
			     struct sha384 digests[EVENTLOG_BOOT_COUNT],
			     struct span app_id, struct span manifest_hash,
			     struct span instance_id)
{
	const struct span payloads[EVENTLOG_BOOT_COUNT] = {
		{ 0 },
		app_id,
		manifest_hash,
		instance_id,
		{ 0 },
	};

	for (size_t i = 0; i < EVENTLOG_BOOT_COUNT; i++) {
		enum rc rc = eventlog_append(log, &digests[i],
					     eventlog_boot_names[i],
					     payloads[i]);

		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc eventlog_text(const struct eventlog *log, struct buf *out)
{
	struct span elements = buf_span(&log->json);

	if (buf_room(out) < elements.n + 2)
		return RC_LIMIT;
	/* cannot fail: there is room for both brackets and what is between */
	(void)(buf_add(out, span_str("[")) && buf_add(out, elements) &&
	       buf_add(out, span_str("]")));
	return RC_OK;
}

/* One log being replayed. */
struct replay {
	struct eventlog_registers to;
	bool is_booted; /* "boot-mr-done" came: what follows is the app's */
	bool saw_no_instance; /* an empty "instance-id": it has none */
};

struct event {
	uint32_t imr, type, version;
	struct sha384 digest;
	bool has_digest; /* else empty: of a runtime event it may be */
	struct span name;
	uint8_t payload[PAYLOAD_MAX];
	size_t payload_len;
};

static bool read_digest(struct event *out, const struct jtree *object)
{
	struct span text;

	if (!document_text(object, "digest", &text))
		return false;
	out->has_digest = text.n != 0;
	if (!out->has_digest)
		return out->type == EVENTLOG_RUNTIME_TYPE;
	return text_hex_decode(out->digest.b, sizeof(out->digest.b), text);
}

static bool read_version(struct event *out, const struct jtree *object)
{
	out->version = 1;
	return !document_has(object, "version") ||
	       (document_u32(object, "version", &out->version, VERSION_MAX) &&
		out->version);
}

static bool read_event(struct event *out, const struct jtree *object)
{
	struct span payload;

	return document_u32(object, "imr", &out->imr, QUOTE_RTMR_COUNT - 1) &&
	       document_u32(object, "event_type", &out->type, UINT32_MAX) &&
	       read_version(out, object) && read_digest(out, object) &&
	       document_text(object, "event", &out->name) &&
	       document_text(object, "event_payload", &payload) &&
	       text_hex_decode_any(out->payload, sizeof(out->payload),
				   &out->payload_len, payload);
}

/* Takes a statement once, of exactly n bytes. */
static bool take(bool *has, uint8_t *out, size_t n, const struct event *e)
{
	if (*has || e->payload_len != n)
		return false;
	memcpy(out, e->payload, n);
	*has = true;
	return true;
}

/* dstack's platforms without instances say so with an empty id. */
static bool take_instance(struct replay *r, const struct event *e)
{
	struct eventlog_identity *id = &r->to.identity;

	if (r->saw_no_instance)
		return false;
	if (e->payload_len || id->has_instance_id)
		return take(&id->has_instance_id, id->instance_id,
			    sizeof(id->instance_id), e);
	r->saw_no_instance = true;
	return true;
}

/* False: a statement of the platform that is not of its form or comes twice. */
static bool take_statement(struct replay *r, const struct event *e)
{
	struct eventlog_identity *id = &r->to.identity;

	if (r->is_booted)
		return true;
	if (span_equal_str(e->name, "boot-mr-done"))
		r->is_booted = true;
	else if (span_equal_str(e->name, "app-id"))
		return take(&id->has_app_id, id->app_id, sizeof(id->app_id), e);
	else if (span_equal_str(e->name, "compose-hash"))
		return take(&id->has_manifest_hash, id->manifest_hash,
			    sizeof(id->manifest_hash), e);
	else if (span_equal_str(e->name, "instance-id"))
		return take_instance(r, e);
	return true;
}

/*
 * Of firmware and kernel events only the digest is known; ours is the digest of
 * what they say, whatever register they extend.
 */
static bool take_digest(struct event *e)
{
	struct span payload = span_of(e->payload, e->payload_len);
	struct sha384 own;

	if (e->type != EVENTLOG_RUNTIME_TYPE)
		return e->imr != EVENTLOG_RTMR;
	if (e->version == 1)
		eventlog_digest(&own, e->name, payload);
	else if (!eventlog_digest_v2(&own, e->name, payload))
		return false;
	if (e->has_digest &&
	    !span_equal(SPAN_ARRAY(own.b), SPAN_ARRAY(e->digest.b)))
		return false;
	e->digest = own;
	return true;
}

static bool replay_event(struct replay *r, struct event *e)
{
	if (!take_digest(e) ||
	    (e->imr == EVENTLOG_RTMR && !take_statement(r, e)))
		return false;
	eventlog_extend(&r->to.rtmr[e->imr], &e->digest);
	r->to.event_count[e->imr]++;
	return true;
}

static bool replay_log(struct replay *r, struct span json)
{
	AUTO(arena_fini)
	struct arena tree = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *root, *item;
	AUTO(mem_auto_free)
	struct event *e = NULL;

	if (json.n > EVENTLOG_MAX)
		return false;
	root = document_load(&tree, json);
	if (!root || root->type != JTREE_ARRAY ||
	    root->count > EVENTLOG_EVENTS_MAX)
		return false;
	e = mem_new(sizeof(*e));
	for (item = root->first; item; item = item->next)
		if (!read_event(e, item) || !replay_event(r, e))
			return false;
	return true;
}

enum tee_reason eventlog_replay(struct eventlog_registers *out,
				struct span json)
{
	struct replay r = { 0 };

	if (!replay_log(&r, json))
		return TEE_LOG_MALFORMED;
	*out = r.to;
	return TEE_OK;
}

enum tee_reason eventlog_check(struct eventlog_identity *out, unsigned *imr,
			       const struct quote *quote, struct span json)
{
	struct eventlog_registers r;

	if (quote->tee != QUOTE_TDX || eventlog_replay(&r, json) != TEE_OK)
		return TEE_LOG_MALFORMED;
	for (unsigned i = 0; i < QUOTE_RTMR_COUNT; i++) {
		/* A log without events says that RTMR3 is empty. */
		bool is_used = r.event_count[i] || i == EVENTLOG_RTMR;

		if (!is_used ||
		    span_equal(SPAN_ARRAY(r.rtmr[i].b), quote->td.rtmr[i]))
			continue;
		*imr = i;
		return TEE_LOG_MISMATCH;
	}
	*out = r.identity;
	return TEE_OK;
}

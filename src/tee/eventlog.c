#include "tee/eventlog.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tee/document.h"

enum {
	EVENT_NAME_MAX = 128,
	PAYLOAD_MAX = 16 * 1024,
	ELEMENT_MAX = 2 * PAYLOAD_MAX + 512,
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

/* A name that needs no escapes in JSON: printable ASCII but " and \. */
static bool is_name(struct span event)
{
	for (size_t i = 0; i < event.n; i++)
		if (event.p[i] < 0x20 || event.p[i] > 0x7e ||
		    event.p[i] == '"' || event.p[i] == '\\')
			return false;
	return event.n <= EVENT_NAME_MAX;
}

enum rc eventlog_append(struct eventlog *log, struct sha384 *digest,
			const char *event, struct span payload)
{
	struct sha384 d;
	AUTO(mem_auto_free)
	void *room = mem_new(ELEMENT_MAX);
	struct wr w = wr_over(room, ELEMENT_MAX);
	struct span element;

	if (!is_name(span_str(event)))
		return RC_MALFORMED;
	if (payload.n > PAYLOAD_MAX)
		return RC_LIMIT;
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
	struct sha384 value[QUOTE_RTMR_COUNT];
	bool is_used[QUOTE_RTMR_COUNT];
	bool is_booted; /* "boot-mr-done" came: what follows is the app's */
	bool saw_no_instance; /* an empty "instance-id": it has none */
	struct eventlog_identity identity;
};

struct event {
	uint32_t imr, type;
	struct sha384 digest;
	struct span name;
	uint8_t payload[PAYLOAD_MAX];
	size_t payload_len;
};

static bool read_event(struct event *out, const json_t *object)
{
	struct span payload;

	return document_u32(object, "imr", &out->imr, QUOTE_RTMR_COUNT - 1) &&
	       document_u32(object, "event_type", &out->type, UINT32_MAX) &&
	       document_hex(object, "digest", out->digest.b,
			    sizeof(out->digest.b)) &&
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
	struct eventlog_identity *id = &r->identity;

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
	struct eventlog_identity *id = &r->identity;

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

static bool replay_event(struct replay *r, const struct event *e)
{
	struct sha384 digest;

	if (e->imr == EVENTLOG_RTMR) {
		/* Of firmware and kernel events only the digest is known; ours
		 * must be the digest of what they say. */
		eventlog_digest(&digest, e->name,
				span_of(e->payload, e->payload_len));
		if (e->type != EVENTLOG_RUNTIME_TYPE ||
		    !span_equal(SPAN_ARRAY(digest.b),
				SPAN_ARRAY(e->digest.b)) ||
		    !take_statement(r, e))
			return false;
	}
	eventlog_extend(&r->value[e->imr], &e->digest);
	r->is_used[e->imr] = true;
	return true;
}

static bool replay_log(struct replay *r, struct span json)
{
	AUTO(document_free)
	json_t *root = NULL;
	AUTO(mem_auto_free)
	struct event *e = NULL;

	if (json.n > EVENTLOG_MAX)
		return false;
	root = document_load(json);
	if (!json_is_array(root) || json_array_size(root) > EVENTLOG_EVENTS_MAX)
		return false;
	e = mem_new(sizeof(*e));
	for (size_t i = 0; i < json_array_size(root); i++)
		if (!read_event(e, json_array_get(root, i)) ||
		    !replay_event(r, e))
			return false;
	return true;
}

enum tee_reason eventlog_check(struct eventlog_identity *out, unsigned *imr,
			       const struct quote *quote, struct span json)
{
	struct replay r = { 0 };

	/* A log without events says that the register is empty. */
	r.is_used[EVENTLOG_RTMR] = true;
	if (quote->tee != QUOTE_TDX || !replay_log(&r, json))
		return TEE_LOG_MALFORMED;
	for (unsigned i = 0; i < QUOTE_RTMR_COUNT; i++) {
		if (!r.is_used[i] ||
		    span_equal(SPAN_ARRAY(r.value[i].b), quote->td.rtmr[i]))
			continue;
		*imr = i;
		return TEE_LOG_MISMATCH;
	}
	*out = r.identity;
	return TEE_OK;
}

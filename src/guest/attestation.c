#include "guest/attestation.h"

#include <stdbool.h>

#include "base/mem.h"
#include "base/text.h"
#include "guest/msgpack.h"
#include "tee/document.h"
#include "tee/eventlog.h"

struct event {
	uint32_t imr, type;
	uint8_t digest[48];
	struct span name, payload;
};

/* Events in the order of the log, in the arena. */
struct events {
	struct event *e;
	size_t count, runtime_count;
};

static bool read_hex(struct span *out, struct arena *arena,
		     const struct jtree *object, const char *key)
{
	struct span text;
	size_t n = 0;
	uint8_t *room;

	if (!document_text(object, key, &text))
		return false;
	room = arena_new(arena, 1, text.n / 2 + 1);
	if (!room || !text_hex_decode_any(room, text.n / 2, &n, text))
		return false;
	*out = span_of(room, n);
	return true;
}

/* Another version of an event would have another digest. */
static bool read_event(struct event *out, struct arena *arena,
		       const struct jtree *object)
{
	return document_u32(object, "imr", &out->imr, QUOTE_RTMR_COUNT - 1) &&
	       document_u32(object, "event_type", &out->type, UINT32_MAX) &&
	       document_hex(object, "digest", out->digest,
			    sizeof(out->digest)) &&
	       document_text(object, "event", &out->name) &&
	       read_hex(&out->payload, arena, object, "event_payload") &&
	       !document_has(object, "version");
}

static bool is_runtime(const struct event *e)
{
	return e->type == EVENTLOG_RUNTIME_TYPE && e->imr == EVENTLOG_RTMR;
}

static bool read_events(struct events *out, struct arena *arena,
			struct span json)
{
	const struct jtree *root =
		json.n <= EVENTLOG_MAX ? document_load(arena, json) : NULL;
	struct events all = { 0 };

	if (!root || root->type != JTREE_ARRAY ||
	    root->count > EVENTLOG_EVENTS_MAX)
		return false;
	all.e = arena_new(arena, root->count + 1, sizeof(*all.e));
	if (!all.e)
		return false;
	for (const struct jtree *at = root->first; at; at = at->next) {
		struct event *e = &all.e[all.count++];

		if (!read_event(e, arena, at))
			return false;
		all.runtime_count += is_runtime(e);
	}
	*out = all;
	return true;
}

static void add_event(struct msgpack *m, const struct event *e)
{
	msgpack_map(m, 5);
	msgpack_str(m, "imr");
	msgpack_number(m, e->imr);
	msgpack_str(m, "event_type");
	msgpack_number(m, e->type);
	msgpack_str(m, "digest");
	msgpack_bytes(m, SPAN_ARRAY(e->digest));
	msgpack_str(m, "event");
	msgpack_text(m, e->name);
	msgpack_str(m, "event_payload");
	msgpack_bytes(m, e->payload);
}

static void add_kind(struct msgpack *m, const char *kind, size_t members)
{
	msgpack_map(m, 2);
	msgpack_str(m, "kind");
	msgpack_str(m, kind);
	msgpack_str(m, "data");
	msgpack_map(m, members);
}

static void add_platform(struct msgpack *m, const struct attestation *a,
			 const struct events *all)
{
	add_kind(m, "tdx", 2);
	msgpack_str(m, "quote");
	msgpack_numbers(m, a->quote);
	msgpack_str(m, "event_log");
	msgpack_array(m, all->count);
	for (size_t i = 0; i < all->count; i++)
		add_event(m, &all->e[i]);
}

static void add_stack(struct msgpack *m, const struct attestation *a,
		      const struct events *all)
{
	add_kind(m, "dstack", 3);
	msgpack_str(m, "report_data");
	msgpack_numbers(m, a->report_data);
	msgpack_str(m, "runtime_events");
	msgpack_array(m, all->runtime_count);
	for (size_t i = 0; i < all->count; i++) {
		if (!is_runtime(&all->e[i]))
			continue;
		msgpack_map(m, 2);
		msgpack_str(m, "event");
		msgpack_text(m, all->e[i].name);
		msgpack_str(m, "payload");
		msgpack_bytes(m, all->e[i].payload);
	}
	msgpack_str(m, "config");
	msgpack_str(m, "");
}

enum rc attestation_write(struct buf *out, const struct attestation *a)
{
	AUTO(arena_fini)
	struct arena arena = { .max = DOCUMENT_TREE_MAX };
	struct events all = { 0 };
	struct msgpack m = msgpack_to(out);

	if (!read_events(&all, &arena, a->event_log))
		return RC_MALFORMED;
	msgpack_map(&m, 3);
	msgpack_str(&m, "version");
	msgpack_number(&m, 1);
	msgpack_str(&m, "platform");
	add_platform(&m, a, &all);
	msgpack_str(&m, "stack");
	add_stack(&m, a, &all);
	return msgpack_done(&m) ? RC_OK : RC_LIMIT;
}

#include "cli/eventlog_report.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"
#include "cli/quote_report.h"
#include "tee/ccel_text.h"
#include "tee/document.h"

enum {
	NAME_SHOWN_MAX = 64, /* bytes of an event's name in the table */
};

/* One event of either form. */
struct event {
	int rtmr; /* -1: MRTD */
	uint32_t type, version; /* 2: of a runtime event's second form */
	struct span digest; /* 48, or n == 0 */
	struct span name; /* of a runtime event */
	struct span data;
	bool is_extended;
};

static const char *register_name(char name[8], int rtmr)
{
	(void)snprintf(name, 8, rtmr < 0 ? "mrtd" : "rtmr%d", rtmr);
	return name;
}

static void set_type(json_t *object, uint32_t type)
{
	const char *name = ccel_type_name(type);
	char number[16];

	(void)snprintf(number, sizeof(number), "0x%08x", type);
	if (type == EVENTLOG_RUNTIME_TYPE)
		name = "runtime event";
	jset(object, "type", json_string(name ? name : number));
	jset(object, "type_id", json_integer(type));
}

/* What a runtime event's digest is by what it says. */
static bool own_digest(struct sha384 *out, const struct event *e)
{
	if (e->version == 2)
		return eventlog_digest_v2(out, e->name, e->data);
	eventlog_digest(out, e->name, e->data);
	return true;
}

/* Whether the digest is of what the event says. */
static bool is_measured(const struct event *e)
{
	const struct ccel_event firmware = {
		.digest = e->digest,
		.data = e->data,
	};
	struct sha384 d;

	if (e->type != EVENTLOG_RUNTIME_TYPE)
		return ccel_is_data_measured(&firmware);
	return own_digest(&d, e) && span_equal(SPAN_ARRAY(d.b), e->digest);
}

static void add_event(json_t *events, const struct event *e)
{
	char text[CCEL_TEXT_MAX] = { 0 }, name[8];
	struct wr w = wr_over(text, sizeof(text) - 1);
	json_t *o = json_object();

	ccel_describe(&w, e->type, e->data);
	jset(o, "register", json_string(register_name(name, e->rtmr)));
	set_type(o, e->type);
	jset(o, "extended", json_boolean(e->is_extended));
	jset(o, "data_measured",
	     json_boolean(e->is_extended && is_measured(e)));
	if (e->name.n)
		jset(o, "event",
		     json_stringn((const char *)e->name.p, e->name.n));
	jset(o, "text", json_string(text));
	if (e->digest.n)
		jset_hex(o, "digest", e->digest);
	jset_hex(o, "data", e->data);
	jadd(events, o);
}

static void read_ccel(json_t *events, struct span log)
{
	struct ccel_event e;
	struct ccel c;

	/* it was replayed: it can be read to its end */
	if (!ccel_open(&c, log))
		return;
	while (ccel_next(&c, &e) == CCEL_EVENT)
		add_event(events,
			  &(struct event){
				  .rtmr = (int)e.index - CCEL_INDEX_RTMR0,
				  .type = e.type,
				  .digest = e.digest,
				  .data = e.data,
				  .is_extended = e.is_extended,
			  });
}

/* An empty digest of a runtime event stands for its own. */
static bool read_json_digest(struct sha384 *out, const struct event *e,
			     const struct jtree *object)
{
	struct span text;

	if (!document_text(object, "digest", &text))
		return false;
	if (!text.n && e->type == EVENTLOG_RUNTIME_TYPE)
		return own_digest(out, e);
	return text_hex_decode(out->b, sizeof(out->b), text);
}

static bool read_json_event(json_t *events, struct ccel_registers *r,
			    const struct jtree *object)
{
	AUTO(mem_auto_free)
	uint8_t *data = NULL;
	struct event e = { .version = 1, .is_extended = true };
	struct sha384 digest;
	struct span payload;
	uint32_t imr;
	size_t n;

	if (!document_u32(object, "imr", &imr, QUOTE_RTMR_COUNT - 1) ||
	    !document_u32(object, "event_type", &e.type, UINT32_MAX) ||
	    (document_has(object, "version") &&
	     !document_u32(object, "version", &e.version, 2)) ||
	    !document_text(object, "event", &e.name) ||
	    !document_text(object, "event_payload", &payload))
		return false;
	data = mem_new(payload.n / 2 + 1);
	if (!text_hex_decode_any(data, payload.n / 2, &n, payload))
		return false;
	e.rtmr = (int)imr;
	e.data = span_of(data, n);
	if (!read_json_digest(&digest, &e, object))
		return false;
	e.digest = SPAN_ARRAY(digest.b);
	add_event(events, &e);
	eventlog_extend(&r->rtmr[imr], &digest);
	r->event_count[imr]++;
	return true;
}

static bool read_json(json_t *events, struct ccel_registers *r, struct span log)
{
	AUTO(arena_fini)
	struct arena tree = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *root, *item;

	if (log.n > EVENTLOG_MAX)
		return false;
	root = document_load(&tree, log);
	if (!root || root->type != JTREE_ARRAY ||
	    root->count > EVENTLOG_EVENTS_MAX)
		return false;
	for (item = root->first; item; item = item->next)
		if (!read_json_event(events, r, item))
			return false;
	return true;
}

static json_t *registers_of(const struct ccel_registers *r)
{
	json_t *all = json_object();

	for (int i = 0; i < QUOTE_RTMR_COUNT; i++) {
		json_t *one = json_object();
		char name[8];

		jset(one, "events", json_integer(r->event_count[i]));
		jset_hex(one, "replayed", SPAN_ARRAY(r->rtmr[i].b));
		jset(all, register_name(name, i), one);
	}
	return all;
}

/* A firmware's log begins with a small number: never with any of these. */
static bool begins_as_array(struct span s)
{
	uint8_t c = 0;

	while (rd_u8(&s, &c))
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			break;
	return c == '[';
}

bool eventlog_report_read(struct eventlog_report *out, struct span log)
{
	struct eventlog_report r = { .is_json = begins_as_array(log) };
	json_t *events = json_array();

	r.root = json_object();
	jset(r.root, "form", json_string(r.is_json ? "json" : "ccel"));
	jset(r.root, "events", events); /* kept by the root */
	if (r.is_json ? !read_json(events, &r.registers, log)
		      : ccel_replay(&r.registers, log) != TEE_OK) {
		eventlog_report_fini(&r);
		return false;
	}
	if (!r.is_json)
		read_ccel(events, log);
	jset(r.root, "registers", registers_of(&r.registers));
	*out = r;
	return true;
}

void eventlog_report_fini(struct eventlog_report *r)
{
	json_decref(r->root);
	*r = (struct eventlog_report){ 0 };
}

static void set_detail(json_t *root, enum tee_reason reason, unsigned rtmr)
{
	char text[96] = "the log leads to the quote's registers";

	if (reason == TEE_LOG_MISMATCH)
		(void)snprintf(text, sizeof(text),
			       "the log leads to another RTMR%u than the "
			       "quote's",
			       rtmr);
	else if (reason)
		(void)snprintf(text, sizeof(text),
			       "a digest is not its event's, or a statement "
			       "comes twice");
	jset(root, "agrees", json_boolean(!reason));
	jset(root, "reason", json_string(tee_reason_name(reason)));
	jset(root, "detail", json_string(text));
}

/* Beside each replayed register the quote's, and whether they agree; null for
 * one the log has no event of and that may be another log's. */
static void set_quote(struct eventlog_report *r, const struct quote *quote)
{
	json_t *all = json_object_get(r->root, "registers");

	for (unsigned i = 0; i < QUOTE_RTMR_COUNT; i++) {
		struct span replayed = SPAN_ARRAY(r->registers.rtmr[i].b);
		bool is_compared = r->registers.event_count[i] ||
				   (r->is_json ? i == EVENTLOG_RTMR
					       : i != EVENTLOG_RTMR);
		char name[8];
		json_t *one = json_object_get(all,
					      register_name(name, (int)i));

		jset_hex(one, "quote", quote->td.rtmr[i]);
		jset(one, "agrees",
		     is_compared ? json_boolean(span_equal(
					   replayed, quote->td.rtmr[i]))
				 : json_null());
	}
}

enum tee_reason eventlog_report_compare(struct eventlog_report *r,
					const struct quote *quote,
					struct span log)
{
	struct eventlog_identity id;
	unsigned rtmr = 0;
	enum tee_reason reason =
		r->is_json ? eventlog_check(&id, &rtmr, quote, log)
			   : ccel_compare(&rtmr, quote, &r->registers);

	set_detail(r->root, reason, rtmr);
	if (quote->tee == QUOTE_TDX)
		set_quote(r, quote);
	if (!reason && r->is_json)
		jset(r->root, "identity", quote_report_identity(&id));
	return reason;
}

static void print_event(FILE *to, const json_t *e)
{
	char name[4 * NAME_SHOWN_MAX + 4] = { 0 };
	struct wr w = wr_over(name, sizeof(name) - 1);
	const char *text = jtext(e, "text");
	char mark = jtrue(e, "data_measured") ? '=' : ' ';

	if (!jtrue(e, "extended"))
		mark = '-';
	text_escape(&w, span_str(jtext(e, "event")), NAME_SHOWN_MAX);
	fprintf(to, "%-5s %c %-32s%s%s%s%s\n", jtext(e, "register"), mark,
		jtext(e, "type"), name[0] ? " " : "", name,
		text[0] ? " " : "", text);
}

static const char *agreement(const json_t *one)
{
	const json_t *agrees = json_object_get(one, "agrees");

	if (!agrees)
		return "";
	if (json_is_null(agrees))
		return "  not of this log";
	return json_is_true(agrees) ? "  agrees" : "  DIFFERS";
}

void eventlog_report_print(FILE *to, const json_t *root)
{
	const json_t *events = json_object_get(root, "events");
	const json_t *registers = json_object_get(root, "registers");
	const json_t *identity = json_object_get(root, "identity");

	for (size_t i = 0; i < json_array_size(events); i++)
		print_event(to, json_array_get(events, i));
	fputs("\n=  measured: the digest is that of the data shown; others' "
	      "data is a claim\n-  for information: extends no register\n\n",
	      to);
	for (int i = 0; i < QUOTE_RTMR_COUNT; i++) {
		char name[8];
		const json_t *one =
			json_object_get(registers, register_name(name, i));

		fprintf(to, "%s %s%s\n", name, jtext(one, "replayed"),
			agreement(one));
	}
	if (identity) {
		fputc('\n', to);
		quote_report_print(to, identity);
	}
}

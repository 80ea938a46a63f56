#include "teesim/td.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "manifest/manifest.h"
#include "quoting/simproto.h"
#include "tee/document.h"
#include "teesim/server.h"

enum {
	MEASURED_MAX = 64 * 1024,
};

struct td {
	struct td *next;
	struct td_list *list;
	char name[TD_NAME_MAX + 1];
	struct sim_td cpu;
	struct server server;
};

static void reply(struct server_conn *c, enum simproto_status status,
		  struct span body)
{
	uint8_t bytes[SIMPROTO_HEADER_LEN + 1 + SIM_QUOTE_MAX];
	struct wr w = WR_ARRAY(bytes);

	simproto_reply_write(&w, status, body);
	server_send(c, wr_span(&w));
}

/* The quote a connection waits for, if any. */
static struct quoter_job *job_of(struct server_conn *c)
{
	if (!c->user)
		c->user = mem_new(sizeof(struct quoter_job));
	return c->user;
}

static void on_input(struct server_conn *c);

static void on_quote(void *arg, struct span quote)
{
	struct server_conn *c = arg;

	reply(c, quote.n ? SIMPROTO_OK : SIMPROTO_FAILED, quote);
	server_hold(c, false);
	if (!c->is_dead)
		on_input(c); /* what came behind the request */
}

static void ask_quote(struct server_conn *c, const struct simproto_request *r)
{
	struct td *td = c->server->arg;
	struct quoter_job *job = job_of(c);

	job->td = &td->cpu;
	job->done = on_quote;
	job->arg = c;
	memcpy(job->report_data, r->report_data, sizeof(job->report_data));
	server_hold(c, true);
	quoter_add(td->list->quoter, job);
}

static void extend(struct server_conn *c, const struct simproto_request *r)
{
	struct td *td = c->server->arg;

	if (!sim_td_extend(&td->cpu, r->rtmr, &r->digest)) {
		reply(c, SIMPROTO_DENIED, (struct span){ 0 });
		return;
	}
	log_event(td->list->log, LOG_DEBUG, "rtmr_extended",
		  LSTR("td", td->name), LU64("rtmr", r->rtmr),
		  LSTR("simulated", "true"));
	reply(c, SIMPROTO_OK, SPAN_ARRAY(td->cpu.rtmr[r->rtmr].b));
}

static void give_key(struct server_conn *c, const struct simproto_request *r)
{
	const struct td *td = c->server->arg;
	AUTO(key32_wipe)
	struct key32 key;

	sealing_key(&key, td->list->sealing, &td->cpu, SPAN_ARRAY(r->label));
	reply(c, SIMPROTO_OK, SPAN_ARRAY(key.b));
}

static void serve(struct server_conn *c, struct span frame)
{
	const struct td *td = c->server->arg;
	struct simproto_request r;

	if (simproto_request_read(&r, frame)) {
		reply(c, SIMPROTO_MALFORMED, (struct span){ 0 });
		server_end(c);
		return;
	}
	switch (r.op) {
	case SIMPROTO_QUOTE:
		ask_quote(c, &r);
		break;
	case SIMPROTO_EXTEND:
		extend(c, &r);
		break;
	case SIMPROTO_READ:
		reply(c, SIMPROTO_OK, SPAN_ARRAY(td->cpu.rtmr[r.rtmr].b));
		break;
	case SIMPROTO_KEY:
		give_key(c, &r);
		break;
	}
}

static void on_input(struct server_conn *c)
{
	struct span frame;
	size_t whole;

	while (!c->is_dead && !c->is_held && !c->is_ending) {
		switch (simproto_frame(&frame, &whole, buf_span(&c->in),
				       SIMPROTO_REQUEST_MAX)) {
		case SIMPROTO_MORE:
			return;
		case SIMPROTO_TOO_LONG:
			reply(c, SIMPROTO_MALFORMED, (struct span){ 0 });
			server_end(c);
			return;
		case SIMPROTO_FRAME:
			serve(c, frame);
			buf_consume(&c->in, whole);
			break;
		}
	}
}

static void on_closed(struct server_conn *c)
{
	const struct td *td = c->server->arg;

	if (!c->user)
		return;
	quoter_cancel(td->list->quoter, c->user);
	mem_auto_free(&c->user);
}

static const struct server_kind guest = {
	.in_max = 4096,
	.out_max = 64 * 1024,
	.conn_max = 64,
	.idle_ms = 60'000,
	.mode = 0666, /* see td.h */
	.input = on_input,
	.closed = on_closed,
};

bool td_is_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n > 0 && n <= TD_NAME_MAX && text[n] == '\0';
}

static enum rc check_spec(const struct td_list *l, const struct td_spec *s,
			  char error[TD_ERROR_MAX])
{
	if (!td_is_name(s->name) || !td_is_name(s->image)) {
		snprintf(error, TD_ERROR_MAX,
			 "name and image are 1..%d letters, digits, -, _, .",
			 TD_NAME_MAX);
		return RC_DENIED;
	}
	if (l->count >= TD_MAX) {
		snprintf(error, TD_ERROR_MAX, "%d trust domains are running",
			 TD_MAX);
		return RC_LIMIT;
	}
	for (const struct td *t = l->first; t; t = t->next) {
		if (strcmp(t->name, s->name) != 0 &&
		    strcmp(t->server.path, s->socket) != 0)
			continue;
		snprintf(error, TD_ERROR_MAX,
			 "%s: that name or socket is in use", s->name);
		return RC_DENIED;
	}
	return RC_OK;
}

static enum rc read_file(struct buf *out, const char *path, size_t max,
			 char error[TD_ERROR_MAX])
{
	enum rc rc;

	buf_init(out, max);
	rc = file_read(out, path);
	if (rc == RC_LIMIT)
		snprintf(error, TD_ERROR_MAX, "%s: larger than %zu bytes", path,
			 max);
	else if (rc)
		snprintf(error, TD_ERROR_MAX, "%s: %s", path, file_why(rc));
	return rc;
}

static enum rc read_config_id(uint8_t id[MANIFEST_CONFIG_ID_LEN],
			      const char *path, char error[TD_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum rc rc = read_file(&json, path, MANIFEST_MAX, error);

	if (!rc)
		manifest_config_id(id, buf_span(&json));
	return rc;
}

/* A register that the object does not have stays as it is. */
static bool take_register(struct sha384 *out, const struct jtree *object,
			  const char *name)
{
	return !document_has(object, name) ||
	       document_hex(object, name, out->b, sizeof(out->b));
}

static enum rc read_measured(struct sim_td *cpu, const char *path,
			     char error[TD_ERROR_MAX])
{
	static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2" };
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(arena_fini)
	struct arena tree = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *object;
	enum rc rc = read_file(&text, path, MEASURED_MAX, error);
	bool is_good;

	if (rc)
		return rc;
	object = document_load(&tree, buf_span(&text));
	is_good = object && object->type == JTREE_OBJECT &&
		  take_register(&cpu->mr_td, object, "mr_td");
	for (size_t i = 0; is_good && i < 3; i++)
		is_good = take_register(&cpu->rtmr[i], object, names[i]);
	if (is_good)
		return RC_OK;
	snprintf(error, TD_ERROR_MAX,
		 "%s: expected a JSON object as `postern measure` prints",
		 path);
	return RC_MALFORMED;
}

enum rc td_launch(struct td_list *l, const struct td_spec *spec,
		  char error[TD_ERROR_MAX])
{
	uint8_t id[MANIFEST_CONFIG_ID_LEN] = { 0 };
	enum rc rc = check_spec(l, spec, error);
	struct sim_td cpu;
	struct td *td;

	if (!rc && spec->manifest)
		rc = read_config_id(id, spec->manifest, error);
	if (rc)
		return rc;
	sim_td_launch(&cpu, spec->image, id);
	if (spec->measured)
		rc = read_measured(&cpu, spec->measured, error);
	if (rc)
		return rc;
	td = mem_new(sizeof(*td));
	td->list = l;
	memcpy(td->name, spec->name, strlen(spec->name) + 1);
	td->cpu = cpu;
	td->cpu.attributes |= spec->is_debug ? SIM_TD_DEBUG : 0;
	rc = server_open(&td->server, l->loop, spec->socket, &guest, td);
	if (rc) {
		snprintf(error, TD_ERROR_MAX, "%s: %m", spec->socket);
		mem_auto_free(&td);
		return rc;
	}
	td->next = l->first;
	l->first = td;
	l->count++;
	log_event(l->log, LOG_INFO, "td_launched", LSTR("td", td->name),
		  LSTR("image", spec->image), LSTR("socket", spec->socket),
		  LSTR("debug", spec->is_debug ? "true" : "false"),
		  LSTR("simulated", "true"));
	return RC_OK;
}

static void td_free(void *arg)
{
	mem_auto_free(&arg);
}

bool td_stop(struct td_list *l, const char *name)
{
	struct td **at = &l->first;
	struct td *td;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	td = *at;
	if (!td)
		return false;
	*at = td->next;
	l->count--;
	server_close(&td->server);
	log_event(l->log, LOG_INFO, "td_stopped", LSTR("td", td->name),
		  LSTR("simulated", "true"));
	/* Its connections are freed before it, in the same order. */
	loop_defer(l->loop, td_free, td);
	return true;
}

const struct td *td_next(const struct td *td)
{
	return td->next;
}

const char *td_name(const struct td *td)
{
	return td->name;
}

void td_stop_all(struct td_list *l)
{
	while (l->first)
		(void)td_stop(l, l->first->name); /* it is there */
}

#include "teesim/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"

enum {
	LINE_MAX_OUT = 32 * 1024,
};

static bool refuse(char error[TD_ERROR_MAX], const char *why)
{
	snprintf(error, TD_ERROR_MAX, "%s", why);
	return false;
}

/* The one member of an object, or NULL. */
static json_t *only_member(const char **key, json_t *object)
{
	void *it = json_object_iter(object);

	if (json_object_size(object) != 1)
		return NULL;
	*key = json_object_iter_key(it);
	return json_object_iter_value(it);
}

static bool read_launch(struct td_spec *out, json_t *o)
{
	struct td_spec s = { 0 };
	int debug = 0;

	if (json_unpack(o, "{s:s, s:s, s:s, s?s, s?s, s?b !}", "name",
			&s.name, "socket", &s.socket, "image", &s.image,
			"manifest", &s.manifest, "measured", &s.measured,
			"debug", &debug) != 0)
		return false;
	s.is_debug = debug;
	*out = s;
	return true;
}

static bool fill(struct control_command *c, json_t *root,
		 char error[TD_ERROR_MAX])
{
	const char *key = "";
	json_t *value = only_member(&key, root);

	if (value && strcmp(key, "launch") == 0) {
		c->verb = CONTROL_LAUNCH;
		return read_launch(&c->spec, value) ||
		       refuse(error, "launch: expected name, socket, image, and"
				     " perhaps manifest, measured, debug");
	}
	if (value && strcmp(key, "stop") == 0) {
		c->verb = CONTROL_STOP;
		c->spec.name = json_string_value(value);
		return c->spec.name || refuse(error, "stop: expected a name");
	}
	if (value && strcmp(key, "list") == 0) {
		c->verb = CONTROL_LIST;
		return true;
	}
	return refuse(error, "expected one of launch, stop, list");
}

bool control_read(struct control_command *out, struct span line,
		  char error[TD_ERROR_MAX])
{
	struct control_command c = { 0 };
	json_error_t at;
	json_t *root = json_loadb((const char *)line.p, line.n,
				  JSON_REJECT_DUPLICATES, &at);

	if (!root)
		return refuse(error, "expected a JSON object");
	if (!fill(&c, root, error)) {
		json_decref(root);
		return false;
	}
	c.json = root;
	*out = c;
	return true;
}

void control_fini(struct control_command *c)
{
	json_decref(c->json);
	*c = (struct control_command){ 0 };
}

/* Sends the object as a line; takes it. */
static void answer(struct server_conn *conn, json_t *o)
{
	AUTO(buf_fini)
	struct buf line = { 0 };
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	if (!text) { /* jansson's way to say that memory ran out */
		server_end(conn);
		return;
	}
	buf_init(&line, LINE_MAX_OUT);
	if (buf_add(&line, span_str(text)) && buf_add(&line, span_str("\n")))
		server_send(conn, buf_span(&line));
	else
		server_end(conn); /* names and errors are bounded: never */
	free(text);
}

static json_t *list(const struct td_list *tds)
{
	json_t *names = json_array();

	for (const struct td *t = tds->first; t; t = td_next(t))
		json_array_append_new(names, json_string(td_name(t)));
	return json_pack("{s:b, s:o}", "ok", 1, "tds", names);
}

static json_t *obey(struct td_list *tds, const struct control_command *c)
{
	char error[TD_ERROR_MAX] = "";
	bool ok = false;

	switch (c->verb) {
	case CONTROL_LAUNCH:
		ok = td_launch(tds, &c->spec, error) == RC_OK;
		break;
	case CONTROL_STOP:
		ok = td_stop(tds, c->spec.name);
		if (!ok)
			snprintf(error, sizeof(error),
				 "%.*s: no such trust domain", TD_NAME_MAX,
				 c->spec.name);
		break;
	case CONTROL_LIST:
		return list(tds);
	}
	if (ok)
		return json_pack("{s:b}", "ok", 1);
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

static void on_line(struct server_conn *conn, struct span line)
{
	struct td_list *tds = conn->server->arg;
	struct control_command c;
	char error[TD_ERROR_MAX];

	if (!control_read(&c, line, error)) {
		answer(conn, json_pack("{s:b, s:s}", "ok", 0, "error", error));
		return;
	}
	answer(conn, obey(tds, &c));
	control_fini(&c);
}

static void on_input(struct server_conn *conn)
{
	while (!conn->is_dead && !conn->is_ending) {
		struct span all = buf_span(&conn->in), rest = all, line;

		if (!all.n || !memchr(all.p, '\n', all.n) ||
		    !rd_until(&rest, &line, '\n'))
			return;
		on_line(conn, line);
		if (!conn->is_dead)
			buf_consume(&conn->in, all.n - rest.n);
	}
}

static const struct server_kind owner = {
	.in_max = CONTROL_LINE_MAX,
	.out_max = 64 * 1024,
	.conn_max = 16,
	.idle_ms = 60'000,
	.mode = 0600,
	.is_for_owner = true,
	.input = on_input,
};

enum rc control_open(struct server *s, const char *path, struct td_list *tds)
{
	return server_open(s, tds->loop, path, &owner, tds);
}

/* Whatever a container asks: the answer is JSON with a status of ours, a
 * container without rights gets no step beyond it, and what waits for the
 * machine can be ended in either way. */
#include <stdlib.h>
#include <string.h>

#include "guest/desk.h"
#include "json/jtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char manifest[] =
	"{\"manifest_version\":2,\"name\":\"app\",\"guest\":{\"raw_quotes\":true,\"containers\":{"
	"\"all\":[\"info\",\"quote\",\"evidence\",\"key:*\",\"sign:*\","
	"\"tls-key\",\"event\"],\"none\":[]}}}";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_answer(const struct desk_answer *a)
{
	struct arena arena;

	arena_init(&arena, 1024 * 1024);
	require(a->status == 200 || (a->status >= 400 && a->status <= 503));
	require(jtree_read(&arena, buf_span(&a->body)) != NULL);
	arena_fini(&arena);
}

static void end(struct desk *d, struct desk_answer *a, const struct desk_world *w, enum rc rc)
{
	buf_reset(&a->body);
	desk_end(d, a, w, rc, rc ? (struct span){ 0 } : span_str("quote"));
	check_answer(a);
}

static void ask(const struct desk_world *w, size_t who, const struct desk_request *r)
{
	struct desk_answer a = { 0 };
	struct desk *pending = NULL;
	enum desk_step step;
	struct span name, payload;

	buf_init(&a.body, 1024 * 1024);
	step = desk_ask(&pending, &a, w, &w->manifest->guest->containers[who], r);
	if (step == DESK_ANSWERED) {
		check_answer(&a);
	} else {
		require(who == 0);
		if (step == DESK_EVENT) {
			desk_event(pending, &name, &payload);
			require(name.n > 0 && name.n <= 128);
		}
		end(pending, &a, w, RC_SYS);
		end(pending, &a, w, RC_OK);
		desk_free(pending);
	}
	buf_wipe(&a.body);
}

/* The first byte says the method, the first line the path, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct manifest m;
	static bool is_made;
	const struct key32 root = { { 1 } };
	const struct desk_registers registers = { .mr_td = { 2 } };
	struct desk_world w = {
		.manifest = &m,
		.manifest_bytes = span_str(manifest),
		.root = &root,
		.provider = "test",
		.registers = &registers,
		.event_log = span_str("[]"),
		.now_s = 1800000000,
		.version = "1",
	};
	char error[MANIFEST_ERROR_MAX], path[256] = "";
	struct span rest = span_of(data, size), line;
	struct desk_request r = { .path = path };

	if (!is_made && manifest_read(&m, span_str(manifest), error))
		abort();
	is_made = true;
	if (!rd_until(&rest, &line, '\n') || line.n < 1 || line.n >= sizeof(path))
		return 0;
	r.method = line.p[0] == 'G' ? "GET" : "POST";
	memcpy(path, line.p + 1, line.n - 1);
	r.body = rest;
	ask(&w, 0, &r);
	ask(&w, 1, &r);
	return 0;
}

#include "edge/report.h"

#include <unistd.h>

#include "base/text.h"
#include "edge/access.h"
#include "edge/worker.h"

/* Names are a hello's, checked to be letters, digits, '-' and '.', and every
 * other word is ours: nothing needs escaping. */
static void write_conn(struct wr *w, const struct conn *c)
{
	uint64_t now = loop_now_ms(c->worker->loop);

	wr_str(w, "{\"peer\":\"");
	sock_addr_write(w, &c->peer);
	wr_printf(w,
		  "\",\"worker\":%u,\"state\":\"%s\",\"mode\":\"%s\","
		  "\"name\":\"%s\",\"app\":\"",
		  (unsigned)c->worker->index, conn_state_name(c->state),
		  access_mode(c), c->route.name.full);
	text_hex(w, span_of(c->route.app_id,
			    c->route.has_app ? STORE_ID_LEN : 0));
	wr_printf(w,
		  "\",\"port\":%u,\"up\":%llu,\"down\":%llu,\"ms\":%llu,"
		  "\"quiet_ms\":%llu}\n",
		  (unsigned)c->route.port, (unsigned long long)c->bytes_up,
		  (unsigned long long)c->bytes_down,
		  (unsigned long long)(now - c->started_ms),
		  (unsigned long long)(now -
				       (c->active_ms ? c->active_ms
						     : c->started_ms)));
}

void report_write(int fd, const struct worker *w)
{
	char line[REPORT_LINE_MAX];
	const struct conn *c;
	struct wr out;
	struct span s;
	int n = 0;

	for (c = w->conns; c && n < REPORT_LINES_MAX; c = c->next, n++) {
		out = WR_ARRAY(line);
		write_conn(&out, c);
		s = wr_span(&out);
		/* One that is not written is missing. */
		if (s.n && write(fd, s.p, s.n) < 0)
			return;
	}
}

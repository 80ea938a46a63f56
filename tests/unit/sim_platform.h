/*
 * A simulated platform with one trust domain, played by a thread: its socket
 * answers as postern-teesim's does, or refuses what a test tells it to.
 */
#ifndef POSTERN_TESTS_SIM_PLATFORM_H
#define POSTERN_TESTS_SIM_PLATFORM_H

#include "folder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "quoting/sim_quote.h"
#include "quoting/simproto.h"
#include "quoting/source.h"

enum {
	PLATFORM_NOW = 1'800'000'000,
};

struct platform {
	struct folder folder;
	char path[128];
	struct sim_pki pki;
	struct sim_td td; /* changed between requests only */
	int fd;
	pthread_t thread;
	struct quote_source *source;
	atomic_uint fails; /* a bit for each simproto_op that fails */
	atomic_bool quotes_nonsense;
	pthread_mutex_t held; /* by a test: no quote is made meanwhile */
	uint8_t quoted[64]; /* the first bytes of report data, in order */
	size_t quotes; /* made so far */
};

static inline void platform_answer(struct platform *p, const struct simproto_request *r,
				   struct wr *w)
{
	AUTO(buf_fini)
	struct buf quote = { 0 };

	if (atomic_load(&p->fails) >> r->op & 1) {
		simproto_reply_write(w, SIMPROTO_FAILED, (struct span){ 0 });
		return;
	}
	switch (r->op) {
	case SIMPROTO_KEY:
		simproto_reply_write(w, SIMPROTO_OK, SPAN_ARRAY(r->label));
		return;
	case SIMPROTO_EXTEND:
		if (!sim_td_extend(&p->td, r->rtmr, &r->digest)) {
			simproto_reply_write(w, SIMPROTO_DENIED, (struct span){ 0 });
			return;
		}
		[[fallthrough]];
	case SIMPROTO_READ:
		simproto_reply_write(w, SIMPROTO_OK, SPAN_ARRAY(p->td.rtmr[r->rtmr].b));
		return;
	case SIMPROTO_QUOTE:
		break;
	}
	pthread_mutex_lock(&p->held);
	if (p->quotes < sizeof(p->quoted))
		p->quoted[p->quotes] = r->report_data[0];
	p->quotes++;
	pthread_mutex_unlock(&p->held);
	if (atomic_load(&p->quotes_nonsense)) {
		simproto_reply_write(w, SIMPROTO_OK, span_str("nonsense"));
		return;
	}
	buf_init(&quote, SIM_QUOTE_MAX);
	assert_int_equal(sim_quote(&quote, &p->pki, &p->td, r->report_data, NULL), RC_OK);
	simproto_reply_write(w, SIMPROTO_OK, buf_span(&quote));
}

static inline void platform_serve(struct platform *p, int fd)
{
	uint8_t in[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX], out[SIMPROTO_REPLY_MAX];
	struct wr w = WR_ARRAY(out);
	struct simproto_request r;
	struct span frame;
	size_t whole, n = 0;
	ssize_t got;

	while (simproto_frame(&frame, &whole, span_of(in, n), SIMPROTO_REQUEST_MAX) !=
	       SIMPROTO_FRAME) {
		got = recv(fd, in + n, sizeof(in) - n, 0);
		if (got <= 0)
			return;
		n += (size_t)got;
	}
	assert_int_equal(simproto_request_read(&r, frame), RC_OK);
	platform_answer(p, &r, &w);
	assert_int_equal(send(fd, out, w.n, MSG_NOSIGNAL), w.n);
}

static inline void *platform_run(void *arg)
{
	struct platform *p = arg;
	int fd;

	while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
		platform_serve(p, fd);
		close(fd);
	}
	return NULL;
}

/* A domain of image "base"; *p is zeroed before. */
static inline struct quote_source *platform_start(struct platform *p,
						  const uint8_t config_id[QUOTE_MR_LEN])
{
	static const char *const no_marks[] = { NULL };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct quote_source_options o = { .tsm_path = "/nowhere", .tdx_marks = no_marks };
	char error[256];

	pthread_mutex_init(&p->held, NULL);
	folder_make(&p->folder);
	o.simulator = folder_file(p->path, &p->folder, "tee.sock");
	memcpy(at.sun_path, p->path, strlen(p->path) + 1);
	assert_int_equal(sim_pki_generate(&p->pki, NULL, PLATFORM_NOW), RC_OK);
	sim_td_launch(&p->td, "base", config_id);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->fd, 8), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, platform_run, p), 0);
	assert_int_equal(quote_source_open(&p->source, &o, error), RC_OK);
	return p->source;
}

static inline void platform_end(struct platform *p)
{
	quote_source_free(p->source);
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->fd);
	pthread_mutex_destroy(&p->held);
	sim_pki_fini(&p->pki);
	folder_remove(&p->folder);
}

#endif

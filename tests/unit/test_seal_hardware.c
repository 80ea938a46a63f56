/* hardware: the key and the measurement that a folder is bound to, from a platform played by a
 * thread, which quotes a trust domain as the simulator does. */
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "folder.h"
#include "quoting/sim_quote.h"
#include "quoting/simproto.h"
#include "seal/hardware.h"

enum {
	NOW = 1'800'000'000,
};

struct platform {
	struct folder folder;
	char path[128];
	struct sim_pki pki;
	struct sim_td td;
	int fd;
	pthread_t thread;
	bool quotes_nonsense, denies_keys;
};

static void answer(struct platform *p, const struct simproto_request *r, struct wr *w)
{
	AUTO(buf_fini)
	struct buf quote = { 0 };

	buf_init(&quote, SIM_QUOTE_MAX);
	if (r->op == SIMPROTO_KEY && p->denies_keys) {
		simproto_reply_write(w, SIMPROTO_FAILED, (struct span){ 0 });
	} else if (r->op == SIMPROTO_KEY) {
		simproto_reply_write(w, SIMPROTO_OK, SPAN_ARRAY(r->label));
	} else if (p->quotes_nonsense) {
		simproto_reply_write(w, SIMPROTO_OK, span_str("nonsense"));
	} else {
		assert_int_equal(sim_quote(&quote, &p->pki, &p->td, r->report_data, NULL), RC_OK);
		simproto_reply_write(w, SIMPROTO_OK, buf_span(&quote));
	}
}

static void serve(struct platform *p, int fd)
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
	answer(p, &r, &w);
	assert_int_equal(send(fd, out, w.n, MSG_NOSIGNAL), w.n);
}

static void *run(void *arg)
{
	struct platform *p = arg;
	int fd;

	while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
		serve(p, fd);
		close(fd);
	}
	return NULL;
}

static struct quote_source *start(struct platform *p)
{
	static const char *const no_marks[] = { NULL };
	const uint8_t id[QUOTE_MR_LEN] = { 1, 2, 3 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct quote_source_options o = { .tsm_path = "/nowhere", .tdx_marks = no_marks };
	struct quote_source *s = NULL;
	char error[256];

	folder_make(&p->folder);
	o.simulator = folder_file(p->path, &p->folder, "tee.sock");
	memcpy(at.sun_path, p->path, strlen(p->path) + 1);
	assert_int_equal(sim_pki_generate(&p->pki, NULL, NOW), RC_OK);
	sim_td_launch(&p->td, "base", id);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->fd, 8), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
	assert_int_equal(quote_source_open(&s, &o, error), RC_OK);
	return s;
}

static void stop(struct platform *p, struct quote_source *s)
{
	quote_source_free(s);
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->fd);
	sim_pki_fini(&p->pki);
	folder_remove(&p->folder);
}

static void measurement_is_of_code_not_of_its_log(void **state)
{
	const struct sha384 digest = { "an event" };
	uint8_t first[FORM_MEASUREMENT_LEN], again[FORM_MEASUREMENT_LEN];
	struct platform p = { 0 };
	struct quote_source *s = start(&p);
	char error[SEAL_ERROR_MAX];

	(void)state;
	assert_int_equal(hardware_measurement(first, s, error), RC_OK);
	assert_true(sim_td_extend(&p.td, 3, &digest));
	assert_int_equal(hardware_measurement(again, s, error), RC_OK);
	assert_memory_equal(first, again, sizeof(first));
	for (int i = 0; i < 5; i++) {
		struct sim_td was = p.td;

		switch (i) {
		case 0:
			p.td.mr_td.b[0] ^= 1;
			break;
		case 4:
			p.td.attributes |= SIM_TD_DEBUG;
			break;
		default:
			p.td.rtmr[i - 1].b[47] ^= 1;
		}
		assert_int_equal(hardware_measurement(again, s, error), RC_OK);
		assert_memory_not_equal(first, again, sizeof(first));
		p.td = was;
	}
	p.td.mr_config_id[1] ^= 1;
	assert_int_equal(hardware_measurement(again, s, error), RC_OK);
	assert_memory_not_equal(first, again, sizeof(first));
	stop(&p, s);
}

static void folder_is_bound_to_the_platform(void **state)
{
	struct platform p = { 0 };
	struct quote_source *s = start(&p);
	const struct seal_provider provider = hardware_provider(s);
	char error[SEAL_ERROR_MAX] = "", path[128];
	const struct seal_options o = {
		.folder = folder_file(path, &p.folder, "sealed"),
		.provider = &provider,
	};
	struct seal *seal = NULL;

	(void)state;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_OK);
	assert_int_equal(seal_write(seal, "account", span_str("one")), SEAL_OK);
	seal_close(seal);
	p.td.rtmr[1].b[0] ^= 1;
	assert_int_equal((int)seal_open(&seal, &o, error), FORM_OTHER_MEASUREMENT);
	assert_non_null(strstr(error, "other_measurement"));
	p.td.rtmr[1].b[0] ^= 1;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_OK);
	seal_close(seal);
	stop(&p, s);
}

static void platform_that_fails_gives_no_key(void **state)
{
	struct platform p = { 0 };
	struct quote_source *s = start(&p);
	const struct seal_provider provider = hardware_provider(s);
	char error[SEAL_ERROR_MAX] = "", path[128];
	const struct seal_options o = {
		.folder = folder_file(path, &p.folder, "sealed"),
		.provider = &provider,
	};
	struct seal *seal = NULL;

	(void)state;
	p.denies_keys = true;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_NO_KEY);
	assert_non_null(strstr(error, "no sealing key from simulator"));
	p.denies_keys = false;
	p.quotes_nonsense = true;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_NO_KEY);
	assert_non_null(strstr(error, "own quote from simulator: malformed"));
	assert_null(seal);
	stop(&p, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measurement_is_of_code_not_of_its_log),
		cmocka_unit_test(folder_is_bound_to_the_platform),
		cmocka_unit_test(platform_that_fails_gives_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

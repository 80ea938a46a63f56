#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "wgctl/utext.h"

#define HEX8 "0123456789abcdef"
#define KEY_A HEX8 HEX8 HEX8 HEX8
#define KEY_0 "00000000000000000000000000000000" \
	      "00000000000000000000000000000000"
#define KEY_F "FfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFf" \
	      "FfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFf"

static void expect_text(const struct wr *w, const char *want)
{
	assert_false(w->over);
	if (!span_equal_str(wr_span(w), want))
		fail_msg("got \"%.*s\"", (int)w->n, (const char *)w->p);
}

static struct wgctl_peer full_peer(void)
{
	struct wgctl_peer p = {
		.public_key = { 0x01, [31] = 0xff },
		.has_psk = true,
		.psk = { { 0x02 } },
		.has_endpoint = true,
		.keepalive_s = 25,
		.allowed_count = 2,
	};

	assert_true(sock_addr_parse(&p.endpoint, span_str("[2001:db8::1]:51820")));
	assert_true(io_prefix_parse(&p.allowed[0], span_str("10.88.0.2/32")));
	assert_true(io_prefix_parse(&p.allowed[1], span_str("fd00::/64")));
	return p;
}

static void requests_are_written(void **state)
{
	struct wgctl_peer p = full_peer(), bare = { 0 };
	const struct key32 key = { { 0xab } };
	char text[UTEXT_REQUEST_MAX];
	struct wr w;

	(void)state;
	w = WR_ARRAY(text);
	utext_get(&w);
	expect_text(&w, "get=1\n\n");
	w = WR_ARRAY(text);
	utext_set_device(&w, &key, 51820);
	expect_text(&w, "set=1\nprivate_key=ab000000000000000000000000000000"
			"00000000000000000000000000000000\nlisten_port=51820\n\n");
	w = WR_ARRAY(text);
	utext_set_peer(&w, &p);
	expect_text(&w, "set=1\npublic_key=01000000000000000000000000000000"
			"000000000000000000000000000000ff\n"
			"preshared_key=02000000000000000000000000000000"
			"00000000000000000000000000000000\n"
			"endpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=25\n"
			"replace_allowed_ips=true\n"
			"allowed_ip=10.88.0.2/32\nallowed_ip=fd00::/64\n\n");
	w = WR_ARRAY(text);
	utext_set_peer(&w, &bare);
	expect_text(&w, "set=1\npublic_key=" KEY_0
			"\npersistent_keepalive_interval=0\nreplace_allowed_ips=true\n\n");
	w = WR_ARRAY(text);
	utext_remove_peer(&w, p.public_key);
	expect_text(&w, "set=1\npublic_key=01000000000000000000000000000000"
			"000000000000000000000000000000ff\nremove=true\n\n");
}

static void largest_request_fits(void **state)
{
	struct wgctl_peer p = full_peer();
	char text[UTEXT_REQUEST_MAX];
	struct wr w = WR_ARRAY(text);
	static const char longest[] = "fd00:1111:2222:3333:4444:5555:6666:7777/128";

	(void)state;
	p.allowed_count = WGCTL_ALLOWED_MAX;
	for (size_t i = 0; i < WGCTL_ALLOWED_MAX; i++)
		assert_true(io_prefix_parse(&p.allowed[i], span_str(longest)));
	utext_set_peer(&w, &p);
	assert_false(w.over);
}

struct seen {
	struct wgctl_peer peers[4];
	size_t count;
};

static void see(void *arg, const struct wgctl_peer *p)
{
	struct seen *s = arg;

	assert_true(s->count < 4);
	s->peers[s->count++] = *p;
}

/* As a device answers, with keys that a newer one might add. */
static const char whole[] = "private_key=" KEY_A "\n"
			    "listen_port=12912\n"
			    "fwmark=4660\n"
			    "new_device_key=x=y\n"
			    "public_key=" KEY_F "\n"
			    "preshared_key=" KEY_A "\n"
			    "protocol_version=1\n"
			    "endpoint=[abcd:23::33]:51820\n"
			    "last_handshake_time_sec=1700000000\n"
			    "last_handshake_time_nsec=5\n"
			    "tx_bytes=38333\n"
			    "rx_bytes=18446744073709551615\n"
			    "persistent_keepalive_interval=111\n"
			    "allowed_ip=192.168.4.4/32\n"
			    "allowed_ip=fd00::1/128\n"
			    "public_key=" KEY_0 "\n"
			    "preshared_key=" KEY_0 "\n"
			    "endpoint=[fe80::1%eth0]:51820\n"
			    "errno=0\n\n";

static void reply_is_read(void **state)
{
	struct wgctl_device d = { 0 };
	struct seen s = { 0 };
	char text[128];
	struct wr w = WR_ARRAY(text);
	int error = 99;

	(void)state;
	assert_int_equal(utext_read(&d, &error, span_str(whole), see, &s), RC_OK);
	assert_int_equal(error, 0);
	assert_int_equal(d.listen_port, 12912);
	assert_int_equal(d.mark, 0x1234);
	assert_int_equal(d.private_key.b[0], 0x01);
	assert_int_equal(d.private_key.b[31], 0xef);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.peers[0].public_key[31], 0xff);
	assert_true(s.peers[0].has_psk && s.peers[0].has_endpoint);
	sock_addr_write(&w, &s.peers[0].endpoint);
	wr_str(&w, " ");
	io_prefix_write(&w, &s.peers[0].allowed[1]);
	expect_text(&w, "[abcd:23::33]:51820 fd00::1/128");
	assert_int_equal(s.peers[0].handshake_unix_s, 1700000000);
	assert_int_equal(s.peers[0].tx_bytes, 38333);
	assert_true(s.peers[0].rx_bytes == UINT64_MAX);
	assert_int_equal(s.peers[0].keepalive_s, 111);
	assert_int_equal(s.peers[0].allowed_count, 2);
	assert_false(s.peers[1].has_psk || s.peers[1].has_endpoint);
	assert_int_equal(s.peers[1].allowed_count, 0);
}

static void every_prefix_refused(void **state)
{
	struct wgctl_device d, before;
	struct seen s = { 0 };

	(void)state;
	memset(&d, 0x5a, sizeof(d));
	before = d;
	for (size_t n = 0; n < strlen(whole); n++) {
		char *own = malloc(n ? n : 1);
		int error = 99;

		memcpy(own, whole, n);
		assert_false(utext_is_whole(span_of(own, n)));
		assert_int_equal(utext_read(&d, &error, span_of(own, n), see, &s), RC_MALFORMED);
		assert_int_equal(error, 99);
		assert_int_equal(s.count, 0);
		assert_memory_equal(&d, &before, sizeof(d));
		free(own);
	}
}

static void refusals_are_told(void **state)
{
	static const char told_then_refused[] = "listen_port=1\npublic_key=" KEY_A "\nerrno=5\n\n";
	struct wgctl_device d = { .listen_port = 7 };
	struct seen s = { 0 };
	int error = 0;

	(void)state;
	assert_int_equal(utext_read(&d, &error, span_str("errno=22\n\n"), see, &s), RC_OK);
	assert_int_equal(error, 22);
	assert_int_equal(d.listen_port, 7);
	assert_int_equal(utext_read(NULL, &error, span_str("errno=-95\n\n"), NULL, NULL), RC_OK);
	assert_int_equal(error, 95);
	/* What came before the refusal does not count. */
	assert_int_equal(utext_read(&d, &error, span_str(told_then_refused), see, &s), RC_OK);
	assert_int_equal(d.listen_port, 7);
	assert_int_equal(s.count, 0);
}

static void wrong_replies_refused(void **state)
{
	static const char *const wrong[] = {
		"\n\n",
		"\n",
		"errno=0\n",
		"errno\n\n",
		"=0\n\n",
		"errno=\n\n",
		"errno=x\n\n",
		"errno=--1\n\n",
		"errno=2147483648\n\n",
		"errno=0\nlisten_port=1\n\n",
		"listen_port=1\n\n",
		"listen_port=1\n\nerrno=0\n\n",
		"listen_port=65536\nerrno=0\n\n",
		"listen_port=\nerrno=0\n\n",
		"listen_port\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "\nerrno=0\n\n",
		"private_key=" KEY_A "0\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "0123456789abcdeg\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "0123456789abcde`\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "0123456789abcde@\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "0123456789abcde/\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "0123456789abcde:\nerrno=0\n\n",
		"private_key=" HEX8 HEX8 HEX8 "0123456789abcde\xff\nerrno=0\n\n",
		"public_key=\nerrno=0\n\n",
		"public_key=" KEY_A "\npreshared_key=1\nerrno=0\n\n",
		"public_key=" KEY_A "\nallowed_ip=10.0.0.0/33\nerrno=0\n\n",
		"public_key=" KEY_A "\nrx_bytes=18446744073709551616\nerrno=0\n\n",
		"public_key=" KEY_A "\ntx_bytes=-1\nerrno=0\n\n",
		"public_key=" KEY_A "\nlast_handshake_time_sec=9223372036854775808\nerrno=0\n\n",
		"public_key=" KEY_A "\npersistent_keepalive_interval=65536\nerrno=0\n\n",
	};
	struct wgctl_device d = { 0 };
	struct seen s = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		int error = 99;

		print_message("%s", wrong[i]);
		assert_int_equal(utext_read(&d, &error, span_str(wrong[i]), see, &s), RC_MALFORMED);
		assert_int_equal(error, 99);
		assert_int_equal(s.count, 0);
	}
}

static void hex_agrees_with_the_plain_reader(void **state)
{
	char reply[] = "private_key=" KEY_0 "\nerrno=0\n\n";

	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		struct wgctl_device d = { 0 };
		int error, value = -1;
		enum rc rc;

		if (c == '\n')
			continue;
		reply[13] = (char)c;
		if (c < 128 && strchr("0123456789abcdefABCDEF", (int)c))
			value = (int)strtol((char[]){ (char)c, '\0' }, NULL, 16);
		rc = utext_read(&d, &error, span_str(reply), NULL, NULL);
		assert_int_equal(rc, value < 0 ? RC_MALFORMED : RC_OK);
		assert_int_equal(d.private_key.b[0], value < 0 ? 0 : value);
	}
}

/* Each peer's in their order: 10.0.<its key>.0 and on. */
static void count_up(void *arg, const struct wgctl_peer *p)
{
	size_t *total = arg;

	for (size_t i = 0; i < p->allowed_count + p->more_count; i++) {
		const struct io_prefix *a = i < p->allowed_count ? &p->allowed[i]
								 : &p->more[i - p->allowed_count];

		assert_int_equal(a->bytes[2], p->public_key[31]);
		assert_int_equal(a->bytes[3], i);
	}
	*total = 1000 * *total + p->allowed_count + p->more_count;
}

static void allowed_ips_of_any_number_are_told(void **state)
{
	static const int counts[] = { 200, WGCTL_ALLOWED_MAX, WGCTL_ALLOWED_MAX + 1, 100 };
	static char text[16384];
	struct wr w = WR_ARRAY(text);
	size_t total = 0;
	int error;

	(void)state;
	for (int peer = 0; peer < 4; peer++) {
		wr_printf(&w, "public_key=%064x\n", (unsigned)peer);
		for (int i = 0; i < counts[peer]; i++)
			wr_printf(&w, "allowed_ip=10.0.%d.%d/32\n", peer, i);
	}
	wr_str(&w, "errno=0\n\n");
	assert_int_equal(utext_read(NULL, &error, wr_span(&w), count_up, &total), RC_OK);
	assert_int_equal(total, 200016017100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_written),
		cmocka_unit_test(largest_request_fits),
		cmocka_unit_test(reply_is_read),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(refusals_are_told),
		cmocka_unit_test(wrong_replies_refused),
		cmocka_unit_test(hex_agrees_with_the_plain_reader),
		cmocka_unit_test(allowed_ips_of_any_number_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

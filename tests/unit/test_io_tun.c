/*
 * Prefixes as text, and interfaces in a network namespace of this process'
 * own; the tests that need one are skipped without root.
 */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/proc.h"
#include "io/tun.h"

static const struct {
	const char *name, *text, *want; /* NULL: refused */
} prefixes[] = {
	{ "v4", "10.0.0.1/24", "10.0.0.1/24" },
	{ "v4_zero", "0.0.0.0/0", "0.0.0.0/0" },
	{ "v4_bare_is_a_host", "10.0.0.1", "10.0.0.1/32" },
	{ "v6", "fd00::1/64", "fd00::1/64" },
	{ "v6_bare_is_a_host", "fd00::1", "fd00::1/128" },
	{ "v6_written_short", "fd00:0:0:0:0:0:0:1/128", "fd00::1/128" },
	{ "empty", "", NULL },
	{ "no_length", "10.0.0.1/", NULL },
	{ "no_address", "/24", NULL },
	{ "v4_too_long", "10.0.0.1/33", NULL },
	{ "v6_too_long", "fd00::1/129", NULL },
	{ "two_lengths", "10.0.0.1/24/24", NULL },
	{ "leading_zero_length", "10.0.0.1/08", NULL },
	{ "leading_zero_byte", "10.0.0.01/8", NULL },
	{ "signed_length", "10.0.0.1/+8", NULL },
	{ "three_bytes", "10.0.1/8", NULL },
	{ "name", "localhost/8", NULL },
	{ "space", " 10.0.0.1", NULL },
	{ "very_long", "fd00:fd00:fd00:fd00:fd00:fd00:fd00:fd00:fd00:fd00/64", NULL },
};

static void prefixes_parse_and_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		struct io_prefix p, before;
		char text[64];
		struct wr w = WR_ARRAY(text);
		bool is_read;

		memset(&p, 0x5a, sizeof(p));
		before = p;
		print_message("%s\n", prefixes[i].name);
		is_read = io_prefix_parse(&p, span_str(prefixes[i].text));
		assert_int_equal(is_read, prefixes[i].want != NULL);
		if (!is_read) {
			assert_memory_equal(&p, &before, sizeof(p));
			continue;
		}
		io_prefix_write(&w, &p);
		assert_true(span_equal_str(wr_span(&w), prefixes[i].want));
	}
}

static void prefix_with_nul_refused(void **state)
{
	struct io_prefix p;

	(void)state;
	assert_false(io_prefix_parse(&p, span_of("1.2.3.4\0/8", 10)));
}

static void wrong_names_refused(void **state)
{
	int fd = 5;

	(void)state;
	assert_int_equal(tun_open(&fd, ""), RC_SYS);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fd, -1);
	assert_int_equal(tun_open(&fd, "sixteen-letters."), RC_SYS);
	assert_int_equal(tun_open(&fd, "a/b"), RC_SYS);
	assert_int_equal(net_link_add("a/b", "bridge"), RC_SYS);
	assert_int_equal(errno, EINVAL);
}

static void absent_interface_is_an_error(void **state)
{
	struct io_prefix p = { .len = 32 };

	(void)state;
	assert_false(net_link_exists("ptio-none"));
	assert_int_equal(net_link_up("ptio-none", 0), RC_SYS);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(net_link_delete("ptio-none"), RC_SYS);
	assert_int_equal(net_address_set("ptio-none", &p), RC_SYS);
	assert_int_equal(net_route_set("ptio-none", &p), RC_SYS);
}

/* What `ip` says, as one text. */
static char *ip(const char *family, const char *what)
{
	const char *argv[] = { "ip", "-o", family, what, "show", "dev", "pt0", NULL };
	struct buf out;
	char *text;

	buf_init(&out, 65536);
	assert_int_equal(proc_run(argv, span_str(""), &out, 5000, NULL), RC_OK);
	text = mem_dup_n(buf_span(&out).p, buf_span(&out).n);
	buf_fini(&out);
	return text;
}

static void expect(char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
	mem_auto_free(&text);
}

static struct io_prefix prefix(const char *text)
{
	struct io_prefix p;

	assert_true(io_prefix_parse(&p, span_str(text)));
	return p;
}

static void set_up_device(void)
{
	static const char *const addresses[] = { "10.99.0.1/24", "fd99::1/64" };
	static const char *const routes[] = { "10.98.7.6/16", "fd98::7/32", "10.97.1.1" };

	assert_int_equal(net_link_up("pt0", 1420), RC_OK);
	/* Twice: the second replaces. */
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++)
			assert_int_equal(net_address_set("pt0", &(struct io_prefix[]){
									prefix(addresses[k]) }[0]),
					 RC_OK);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 3; k++)
			assert_int_equal(net_route_set("pt0", &(struct io_prefix[]){
								      prefix(routes[k]) }[0]),
					 RC_OK);
}

static void device_is_made_and_set_up(void **state)
{
	int fd, second;

	(void)state;
	if (geteuid() != 0) {
		skip();
		return;
	}
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(tun_open(&fd, "pt0"), RC_OK);
	assert_true(net_link_exists("pt0"));
	assert_int_equal(tun_open(&second, "pt0"), RC_SYS);
	assert_int_equal(errno, EBUSY);
	set_up_device();
	expect(ip("-d", "link"), "mtu 1420");
	expect(ip("-d", "link"), "UP");
	expect(ip("-d", "addr"), "10.99.0.1/24");
	expect(ip("-d", "addr"), "fd99::1/64");
	expect(ip("-4", "route"), "10.98.0.0/16");
	expect(ip("-4", "route"), "10.97.1.1 ");
	expect(ip("-6", "route"), "fd98::/32");
	assert_int_equal(net_link_add("pt1", "bridge"), RC_OK);
	assert_int_equal(net_link_add("pt1", "bridge"), RC_SYS);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(net_link_add("pt2", "no-such-kind"), RC_SYS);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(net_link_delete("pt1"), RC_OK);
	assert_false(net_link_exists("pt1"));
	close(fd);
	assert_false(net_link_exists("pt0"));
}

static void device_with_several_queues(void **state)
{
	enum tun_offload got = TUN_OFFLOAD_NONE;
	int fds[4], fd;

	(void)state;
	if (geteuid() != 0) {
		skip();
		return;
	}
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(tun_open_queues(fds, 4, "pt0", &got), RC_OK);
	assert_int_not_equal(got, TUN_OFFLOAD_NONE);
	expect(ip("-d", "link"), "numqueues 4");
	/* Not for one who wants it whole. */
	assert_int_equal(tun_open(&fd, "pt0"), RC_SYS);
	for (int i = 0; i < 4; i++) {
		assert_true(net_link_exists("pt0"));
		close(fds[i]);
	}
	assert_false(net_link_exists("pt0"));
	assert_int_equal(tun_open(&fd, "pt0"), RC_OK);
	assert_int_equal(tun_open_queues(fds, 4, "pt0", &got), RC_SYS);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fds[i], -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_parse_and_write),
		cmocka_unit_test(prefix_with_nul_refused),
		cmocka_unit_test(wrong_names_refused),
		cmocka_unit_test(absent_interface_is_an_error),
		cmocka_unit_test(device_is_made_and_set_up),
		cmocka_unit_test(device_with_several_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

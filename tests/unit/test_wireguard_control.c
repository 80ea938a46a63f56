/* UAPI requests against a device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "wireguard/control.h"

#define A "public_key=0900000000000000000000000000000000000000000000000000000000000000\n"
#define B "public_key=0a00000000000000000000000000000000000000000000000000000000000000\n"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define PSK "preshared_key=0b00000000000000000000000000000000000000000000000000000000000000\n"
#define NO_PSK "preshared_key=" ZERO "\n"
#define SECRET "private_key=0000000000000000000000000000000000000000000000000000000000000041\n"

struct fixture {
	struct device *d;
	uint16_t port;
	uint32_t mark;
	int refusal;
	size_t datagrams;
	struct control_host host;
	struct device_time now;
};

static int set_port(void *arg, uint16_t port)
{
	struct fixture *f = arg;

	if (!f->refusal)
		f->port = port;
	return f->refusal;
}

static int set_mark(void *arg, uint32_t mark)
{
	((struct fixture *)arg)->mark = mark;
	return 0;
}

static uint16_t port(void *arg)
{
	return ((struct fixture *)arg)->port;
}

static uint32_t mark(void *arg)
{
	return ((struct fixture *)arg)->mark;
}

static uint32_t scope(void *arg, const char *interface)
{
	(void)arg;
	return !strcmp(interface, "eth0") ? 7 : 0;
}

static void datagram(void *arg, const struct endpoint *to, struct span bytes, unsigned ecn)
{
	(void)ecn;
	(void)to;
	(void)bytes;
	((struct fixture *)arg)->datagrams++;
}

static void packet(void *arg, struct span bytes)
{
	(void)arg;
	(void)bytes;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct device_sink sink = { .datagram = datagram, .packet = packet, .arg = f };

	f->d = device_new(&sink);
	f->host = (struct control_host){ set_port, set_mark, port, mark, scope, f };
	f->now = (struct device_time){ .ms = 1000, .unix_ns = 5 };
	f->port = 1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	device_free(f->d);
	free(f);
	return 0;
}

static void ask(struct fixture *f, const char *request, const char *want)
{
	struct buf out;
	struct span got;

	buf_init(&out, 100'000);
	assert_true(control_request(f->d, &out, span_str(request), &f->host, f->now));
	got = buf_span(&out);
	if (!span_equal_str(got, want))
		fail_msg("%s\ngave\n%.*s\nnot\n%s", request, (int)got.n, got.p, want);
	buf_fini(&out);
}

static void set_then_get_gives_it_back(void **state)
{
	ask(*state,
	    "set=1\n" SECRET "listen_port=51820\nfwmark=9\nreplace_peers=true\n" A
		    PSK
	    "endpoint=192.0.2.1:5\npersistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
	    "allowed_ip=10.0.0.9/8\nallowed_ip=fd00::/64\n" B "\n",
	    "errno=0\n\n");
	ask(*state, "get=1\n\n",
	    SECRET "listen_port=51820\nfwmark=9\n" A
		    PSK
		   "protocol_version=1\nendpoint=192.0.2.1:5\nlast_handshake_time_sec=0\n"
		   "last_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"
		   "persistent_keepalive_interval=25\n"
		   "allowed_ip=fd00::/64\nallowed_ip=10.0.0.0/8\n" B
			   NO_PSK
		   "protocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
		   "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\nerrno=0\n\n");
}

/* wg(8) passes on the name that the resolver gives a link-local address. */
static void endpoint_scope_may_be_a_name(void **state)
{
	struct fixture *f = *state;
	struct peer *p;

	ask(f, "set=1\nlisten_port=7\n" A "endpoint=[fe80::1%eth1]:5\n\n", "errno=-19\n\n");
	assert_int_equal(f->port, 1);
	assert_int_equal(device_peer_count(f->d), 0);
	ask(f, "set=1\n" A "endpoint=[fe80::1%eth0]:5\n\n", "errno=0\n\n");
	p = device_peer_next(f->d, NULL);
	assert_int_equal(device_peer_view(p).endpoint->scope_id, 7);
	ask(f, "set=1\n" A "endpoint=[fe80::1%3]:5\n\n", "errno=0\n\n");
	assert_int_equal(device_peer_view(p).endpoint->scope_id, 3);
	ask(f, "set=1\n" A "endpoint=[fe80::1%eth0/1]:5\n\n", "errno=-22\n\n");
	ask(f, "set=1\n" A "endpoint=[fe80::1%a-name-too-long-]:5\n\n", "errno=-22\n\n");
}

static void fresh_device_has_port_only(void **state)
{
	ask(*state, "get=1\n\n", "listen_port=1\nerrno=0\n\n");
}

static void any_fault_changes_nothing(void **state)
{
	struct fixture *f = *state;

	ask(f, "set=1\nlisten_port=7\n" A "allowed_ip=10.0.0.0/8\nfoo=1\n\n", "errno=-22\n\n");
	ask(f, "set=1\nlisten_port=7\n" A "nonsense\n\n", "errno=-71\n\n");
	ask(f, "get=1\n\n", "listen_port=1\nerrno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 0);
}

static void neither_get_nor_set_is_hung_up_on(void **state)
{
	struct fixture *f = *state;
	struct buf out;

	buf_init(&out, 1000);
	assert_false(control_request(f->d, &out, span_str("garbage\n\n"), &f->host, f->now));
	assert_false(control_request(f->d, &out, span_str("\n"), &f->host, f->now));
	assert_int_equal(buf_span(&out).n, 0);
	buf_fini(&out);
}

static void get_with_lines_refused(void **state)
{
	ask(*state, "get=1\nlisten_port=1\n\n", "errno=-22\n\n");
}

static void answer_over_the_bound_is_hung_up_on(void **state)
{
	struct fixture *f = *state;
	struct buf out;

	ask(f, "set=1\n" A "\n", "errno=0\n\n");
	for (size_t max = 0; max < 100; max++) {
		buf_init(&out, max);
		assert_false(control_request(f->d, &out, span_str("get=1\n\n"), &f->host, f->now));
		buf_fini(&out);
	}
}

static void host_refusal_is_answered(void **state)
{
	struct fixture *f = *state;

	f->refusal = EADDRINUSE;
	ask(f, "set=1\nlisten_port=7\n" A "\n", "errno=-98\n\n");
	assert_int_equal(device_peer_count(f->d), 0);
}

static void remove_and_update_only(void **state)
{
	struct fixture *f = *state;

	ask(f, "set=1\n" A "update_only=true\nallowed_ip=10.0.0.0/8\n\n", "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 0);
	ask(f, "set=1\n" A B "\n", "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 2);
	ask(f, "set=1\n" A "remove=true\nallowed_ip=10.0.0.0/8\n\n", "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 1);
	ask(f, "set=1\n" A "remove=true\n\n", "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 1);
	ask(f, "set=1\nreplace_peers=true\n\n", "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 0);
}

static void own_public_key_is_passed_over(void **state)
{
	struct fixture *f = *state;
	static const char digits[] = "0123456789abcdef";
	char request[300] = "set=1\npublic_key=";
	char *at = request + strlen(request);

	ask(f, "set=1\n" SECRET "\n", "errno=0\n\n");
	for (int i = 0; i < 32; i++) {
		*at++ = digits[device_public_key(f->d)[i] >> 4];
		*at++ = digits[device_public_key(f->d)[i] & 15];
	}
	strcpy(at, "\nallowed_ip=10.0.0.0/8\n\n");
	ask(f, request, "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 0);
	/* The other way round: the peer was there before our key. */
	ask(f, "set=1\nprivate_key=" ZERO "\n\n",
	    "errno=0\n\n");
	ask(f, request, "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 1);
	ask(f, "set=1\n" SECRET "\n", "errno=0\n\n");
	assert_int_equal(device_peer_count(f->d), 0);
}

static void keepalive_set_begins_a_handshake(void **state)
{
	struct fixture *f = *state;

	ask(f, "set=1\n" SECRET A "persistent_keepalive_interval=25\nendpoint=192.0.2.1:5\n\n",
	    "errno=0\n\n");
	assert_true(device_deadline(f->d) <= f->now.ms);
	device_expire(f->d, f->now);
	assert_int_equal(f->datagrams, 1);
}

static void allowed_ip_can_be_taken_away(void **state)
{
	struct fixture *f = *state;

	ask(f, "set=1\n" A "allowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\n\n", "errno=0\n\n");
	ask(f, "set=1\n" A "allowed_ip=-10.0.0.0/8\n\n", "errno=0\n\n");
	ask(f, "get=1\n\n",
	    "listen_port=1\n" A
		    NO_PSK
	    "protocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
	    "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
	    "allowed_ip=10.1.0.0/16\nerrno=0\n\n");
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(set_then_get_gives_it_back),
		test(endpoint_scope_may_be_a_name),
		test(fresh_device_has_port_only),
		test(any_fault_changes_nothing),
		test(neither_get_nor_set_is_hung_up_on),
		test(get_with_lines_refused),
		test(answer_over_the_bound_is_hung_up_on),
		test(host_refusal_is_answered),
		test(remove_and_update_only),
		test(own_public_key_is_passed_over),
		test(keepalive_set_begins_a_handshake),
		test(allowed_ip_can_be_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

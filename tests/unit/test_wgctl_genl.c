/*
 * The kernel's messages byte by byte, laid out by hand from the structures of
 * uapi/linux/{netlink,genetlink,wireguard}.h, little-endian as this machine.
 */
#include "unit.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "wgctl/genl.h"

#define K "aa000000000000000000000000000000" \
	  "000000000000000000000000000000aa"
#define P "bb000000000000000000000000000000" \
	  "000000000000000000000000000000bb"
#define Q "cc000000000000000000000000000000" \
	  "000000000000000000000000000000cc"

/* Hex with spaces, to bytes. */
static size_t unhex(uint8_t *out, size_t cap, const char *text)
{
	char digits[4096];
	size_t n = 0, len;

	for (; *text; text++)
		if (*text != ' ')
			digits[n++] = *text;
	assert_true(text_hex_decode_any(out, cap, &len, span_of(digits, n)));
	return len;
}

static void expect_bytes(const struct nlmsghdr *m, const char *hex)
{
	uint8_t want[1024];
	size_t n = unhex(want, sizeof(want), hex);

	assert_int_equal(m->nlmsg_len, n);
	assert_memory_equal(m, want, n);
}

static void family_is_asked(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];

	(void)state;
	expect_bytes(genl_family(m, "wireguard"),
		     "24000000 1000 0500 00000000 00000000" /* len, GENL_ID_CTRL, REQUEST|ACK */
		     "03 01 0000" /* CTRL_CMD_GETFAMILY, version 1 */
		     "0e00 0200 776972656775617264 00 0000"); /* FAMILY_NAME */
}

static void device_is_asked(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];

	(void)state;
	expect_bytes(genl_get(m, 0x1d, "wg0"),
		     "1c000000 1d00 0103 00000000 00000000" /* REQUEST|DUMP */
		     "00 01 0000" /* WG_CMD_GET_DEVICE */
		     "0800 0200 77673000"); /* WGDEVICE_A_IFNAME */
}

static void device_is_set(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct key32 key = { { 0xaa, [31] = 0xaa } };

	(void)state;
	expect_bytes(genl_set_device(m, 0x1d, "wg0", &key, 51820),
		     "48000000 1d00 0500 00000000 00000000"
		     "01 01 0000" /* WG_CMD_SET_DEVICE */
		     "0800 0200 77673000"
		     "2400 0300 " K /* PRIVATE_KEY */
		     "0600 0600 6cca 0000"); /* LISTEN_PORT */
}

static struct wgctl_peer full_peer(void)
{
	struct wgctl_peer p = {
		.public_key = { 0xbb, [31] = 0xbb },
		.has_psk = true,
		.psk = { { 0xcc, [31] = 0xcc } },
		.has_endpoint = true,
		.keepalive_s = 25,
		.allowed_count = 2,
	};

	assert_true(sock_addr_parse(&p.endpoint, span_str("192.0.2.1:51820")));
	assert_true(io_prefix_parse(&p.allowed[0], span_str("10.88.0.2/32")));
	assert_true(io_prefix_parse(&p.allowed[1], span_str("fd00::1/64")));
	return p;
}

/* The peer's attributes as the kernel answers them, but for its flags. */
#define PEER_HEAD "2400 0100 " P
#define PEER_PSK "2400 0200 " Q
#define PEER_ENDPOINT "1400 0400 0200 ca6c c0000201 0000000000000000"
#define PEER_KEEPALIVE "0600 0500 1900 0000"
#define ALLOWED_4 "1c00 0080 0600 0100 0200 0000 0800 0200 0a580002 0500 0300 20 000000"
#define ALLOWED_6 \
	"2800 0080 0600 0100 0a00 0000 1400 0200 fd000000000000000000000000000001" \
	"0500 0300 40 000000"

static void peer_is_set(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct wgctl_peer p = full_peer();

	(void)state;
	expect_bytes(genl_set_peer(m, 0x1d, "wg0", &p),
		     "d8000000 1d00 0500 00000000 00000000 01 01 0000 0800 0200 77673000"
		     "bc00 0880" /* WGDEVICE_A_PEERS, nested */
		     "b800 0080 " PEER_HEAD
		     "0800 0300 02000000" /* REPLACE_ALLOWEDIPS */
		     PEER_PSK PEER_ENDPOINT PEER_KEEPALIVE
		     "4800 0980 " ALLOWED_4 ALLOWED_6);
}

static void bare_peer_leaves_what_there_is(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct wgctl_peer p = { .public_key = { 0xbb, [31] = 0xbb } };

	(void)state;
	expect_bytes(genl_set_peer(m, 0x1d, "wg0", &p),
		     "5c000000 1d00 0500 00000000 00000000 01 01 0000 0800 0200 77673000"
		     "4000 0880 3c00 0080 " PEER_HEAD
		     "0800 0300 02000000 0600 0500 0000 0000 0400 0980");
}

static void peer_is_removed(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];

	(void)state;
	expect_bytes(genl_remove_peer(m, 0x1d, "wg0", full_peer().public_key),
		     "50000000 1d00 0500 00000000 00000000 01 01 0000 0800 0200 77673000"
		     "3400 0880 3000 0080 " PEER_HEAD
		     "0800 0300 01000000"); /* REMOVE_ME */
}

static void largest_message_fits(void **state)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct wgctl_peer p = full_peer();

	(void)state;
	p.allowed_count = WGCTL_ALLOWED_MAX;
	for (size_t i = 2; i < WGCTL_ALLOWED_MAX; i++)
		p.allowed[i] = p.allowed[1];
	assert_true(genl_set_peer(m, 0x1d, "sixteen-letters", &p)->nlmsg_len < GENL_MAX / 2);
}

/* A message with these attributes, in memory of exactly its length. */
static struct nlmsghdr *message(const char *attributes)
{
	uint8_t bytes[2048];
	size_t n = 20 + unhex(bytes + 20, sizeof(bytes) - 20, attributes);
	struct nlmsghdr *m = malloc(n);

	memset(bytes, 0, 20);
	memcpy(m, bytes, n);
	m->nlmsg_len = (uint32_t)n;
	return m;
}

static void family_is_read(void **state)
{
	static const struct {
		const char *attributes;
		enum rc want;
	} cases[] = {
		{ "0800 0200 77673000 0600 0100 1d00 0000", RC_OK },
		{ "0600 0100 1d00", RC_OK }, /* without padding */
		{ "", RC_MALFORMED },
		{ "0800 0200 77673000", RC_MALFORMED },
		{ "0800 0100 1d000000", RC_MALFORMED },
		{ "0600 0100 1d", RC_MALFORMED },
		{ "0300 0100 1d00", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nlmsghdr *m = message(cases[i].attributes);
		uint16_t id = 0;

		assert_int_equal(genl_family_read(&id, m), cases[i].want);
		assert_int_equal(id, cases[i].want ? 0 : 0x1d);
		free(m);
	}
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

static enum rc read_message(struct genl_reading *r, const char *attributes)
{
	struct nlmsghdr *m = message(attributes);
	enum rc rc = genl_read(r, m);

	free(m);
	return rc;
}

static void device_and_peers_are_read(void **state)
{
	struct wgctl_peer want = full_peer();
	struct seen s = { 0 };
	struct genl_reading r = { .fn = see, .arg = &s };

	(void)state;
	want.handshake_unix_s = 0x65432100;
	want.rx_bytes = 0x0102030405060708;
	want.tx_bytes = 9;
	/* The first message, whose peer's allowed IPs did not fit, ... */
	assert_int_equal(read_message(&r,
				      "0800 0100 05000000 0800 0200 77673000"
				      "2400 0300 " K
				      "0600 0600 6cca 0000"
				      "0800 0700 34120000"
				      "c000 0880 bc00 0080 " PEER_HEAD PEER_PSK PEER_ENDPOINT
					      PEER_KEEPALIVE
				      "1400 0600 0021436500000000 0000000000000000"
				      "0c00 0700 0807060504030201 0c00 0800 0900000000000000"
				      "2000 0980 " ALLOWED_4
				      "0800 0a00 01000000"),
			 RC_OK);
	assert_int_equal(s.count, 0);
	/* ... and the next: their rest, and another peer. */
	assert_int_equal(read_message(&r,
				      "0800 0200 77673000"
				      "8000 0880 5400 0080 " PEER_HEAD
				      "2c00 0980 " ALLOWED_6
				      "2800 0080 2400 0100 " Q),
			 RC_OK);
	assert_int_equal(s.count, 1);
	genl_end(&r);
	genl_end(&r);
	assert_int_equal(s.count, 2);
	assert_int_equal(r.device.listen_port, 51820);
	assert_int_equal(r.device.mark, 0x1234);
	assert_int_equal(r.device.private_key.b[31], 0xaa);
	assert_memory_equal(&s.peers[0], &want, sizeof(want));
	assert_int_equal(s.peers[1].public_key[0], 0xcc);
	assert_false(s.peers[1].has_psk || s.peers[1].has_endpoint);
}

static void zero_psk_is_none(void **state)
{
	struct seen s = { 0 };
	struct genl_reading r = { .fn = see, .arg = &s };

	(void)state;
	assert_int_equal(read_message(&r, "5000 0880 4c00 0080 " PEER_HEAD
					  "2400 0200 00000000000000000000000000000000"
					  "00000000000000000000000000000000"),
			 RC_OK);
	genl_end(&r);
	assert_false(s.peers[0].has_psk);
}

static void wrong_answers_refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *attributes;
	} cases[] = {
		{ "short_head", "0400" },
		{ "length_below_head", "0300 0300" },
		{ "length_over_rest", "0900 0300 00000000" },
		{ "key_of_31_bytes", "2300 0300 00000000000000000000000000000000000000000000000000000000000000 00" },
		{ "mark_of_two_bytes", "0600 0700 34120000" },
		{ "port_of_one_byte", "0500 0600 01 000000" },
		{ "peer_without_key", "1000 0880 0c00 0080 0600 0500 1900 0000" },
		{ "empty_peer", "0800 0880 0400 0080" },
		{ "peer_key_short", "1000 0880 0c00 0080 0800 0100 00000000" },
		{ "psk_short", "3400 0880 3000 0080 " PEER_HEAD "0800 0200 00000000" },
		{ "endpoint_of_neither_length", "3400 0880 3000 0080 " PEER_HEAD "0800 0400 02000000" },
		{ "endpoint_of_other_family", "4000 0880 3c00 0080 " PEER_HEAD "1400 0400 0a00 ca6c c0000201 0000000000000000" },
		{ "handshake_short", "3800 0880 3400 0080 " PEER_HEAD "0c00 0600 0000000000000000" },
		{ "allowed_without_family", "4400 0880 4000 0080 " PEER_HEAD "1800 0980 1400 0080 0800 0200 0a580002 0500 0300 20 000000" },
		{ "allowed_without_address", "4000 0880 3c00 0080 " PEER_HEAD "1400 0980 1000 0080 0600 0100 0200 0000 0400 0000" },
		{ "allowed_mask_over", "4c00 0880 4800 0080 " PEER_HEAD "2000 0980 1c00 0080 0600 0100 0200 0000 0800 0200 0a580002 0500 0300 21 000000" },
		{ "allowed_v6_bytes_as_v4", "5800 0880 5400 0080 " PEER_HEAD "2c00 0980 2800 0080 0600 0100 0200 0000 1400 0200 fd000000000000000000000000000001 0500 0300 20 000000" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct genl_reading r = { 0 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(read_message(&r, cases[i].attributes), RC_MALFORMED);
		genl_end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(family_is_asked),
		cmocka_unit_test(device_is_asked),
		cmocka_unit_test(device_is_set),
		cmocka_unit_test(peer_is_set),
		cmocka_unit_test(bare_peer_leaves_what_there_is),
		cmocka_unit_test(peer_is_removed),
		cmocka_unit_test(largest_message_fits),
		cmocka_unit_test(family_is_read),
		cmocka_unit_test(device_and_peers_are_read),
		cmocka_unit_test(zero_psk_is_none),
		cmocka_unit_test(wrong_answers_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

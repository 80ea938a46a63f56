/* offer: hellos of real clients, and one of our own with each thing changed. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "tls/offer.h"

/* The one record of a file. */
static size_t read_vector(uint8_t *out, size_t cap, const char *name)
{
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/hello/%s.bin", name);
	f = fopen(path, "rbe");
	assert_non_null(f);
	n = fread(out, 1, cap, f);
	fclose(f);
	assert_true(n > 5);
	memmove(out, out + 5, n - 5);
	return n - 5;
}

static void real_hellos(void **state)
{
	static const struct {
		const char *name;
		bool is_read, has_name, has_alpn, has_modes;
	} rows[] = {
		{ "chromium", true, true, true, true },
		{ "firefox", true, true, true, true },
		{ "curl", true, true, true, true },
		{ "go", true, true, true, false }, /* it keeps no sessions */
		{ "gnutls", true, true, true, true },
		{ "openssl", true, true, true, true },
		{ "openssl_no_name", true, false, false, true },
		{ "openssl_tls12", false, false, false, false },
	};
	uint8_t bytes[4096];
	struct offer o;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = read_vector(bytes, sizeof(bytes), rows[i].name);
		if (offer_read(&o, span_of(bytes, n)) != rows[i].is_read)
			fail_msg("%s", rows[i].name);
		if (!rows[i].is_read)
			continue;
		if ((o.name.n > 0) != rows[i].has_name ||
		    (o.alpn.n > 0) != rows[i].has_alpn || o.takes_psk_dhe != rows[i].has_modes ||
		    o.x25519.n != 32 || !o.takes_ecdsa_p256 || o.identities.n != 0 ||
		    !offer_lists(o.groups, OFFER_X25519) || !offer_lists(o.suites, 0x1301))
			fail_msg("%s", rows[i].name);
	}
}

static void every_prefix_is_refused(void **state)
{
	uint8_t bytes[4096];
	size_t n = read_vector(bytes, sizeof(bytes), "firefox"), i;
	struct offer o = { 0 }, before = o;

	(void)state;
	for (i = 0; i < n; i++) {
		uint8_t *copy = mem_new(i + 1);

		/* An allocation of its own, so that ASan sees a byte too many. */
		copy = mem_grow(copy, i ? i : 1, 1);
		memcpy(copy, bytes, i);
		assert_false(offer_read(&o, span_of(copy, i)));
		free(copy);
	}
	assert_memory_equal(&o, &before, sizeof(o));
}

static bool is_within(struct span s, struct span all)
{
	return s.n == 0 || (s.p >= all.p && s.p + s.n <= all.p + all.n);
}

/* Whatever is read lies within the message. */
static void any_byte_changed(void **state)
{
	static const char *const names[] = { "firefox", "gnutls" };
	uint8_t bytes[4096];
	struct offer o;
	size_t k, i, n;
	int bit;

	(void)state;
	for (k = 0; k < 2; k++) {
		n = read_vector(bytes, sizeof(bytes), names[k]);
		for (i = 0; i < n; i++) {
			for (bit = 0; bit < 8; bit++) {
				struct span all = span_of(bytes, n);

				bytes[i] ^= (uint8_t)(1 << bit);
				if (offer_read(&o, all))
					assert_true(is_within(o.session_id, all) &&
						    is_within(o.suites, all) &&
						    is_within(o.groups, all) &&
						    is_within(o.name, all) &&
						    is_within(o.alpn, all) &&
						    is_within(o.x25519, all));
				bytes[i] ^= (uint8_t)(1 << bit);
			}
		}
	}
}

/* A hello of our own.  Each extension stands as hex with its length in front;
 * "" leaves it out. */
struct recipe {
	const char *name;
	bool want;
	const char *versions, *groups, *shares, *extra, *last;
	uint16_t legacy;
	const char *compression;
	size_t session_len;
};

#define VERSIONS "002b0003020304"
#define GROUPS "000a00060004001d0017"
#define KEY_31 "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_A KEY_31 "20"
#define SHARES "003300260024001d0020" KEY_A
#define MODES "002d00020101"
#define BINDER "20" KEY_A
/* One identity "id!" of age 0, one binder. */
#define PSK "0029002e0009000369642100000000" \
	    "0021" BINDER

static size_t put_hex(struct wr *w, const char *hex)
{
	size_t n;

	for (n = 0; hex[n] && hex[n + 1]; n += 2) {
		const char two[] = { hex[n], hex[n + 1], 0 };

		wr_u8(w, (uint8_t)strtoul(two, NULL, 16));
	}
	return n / 2;
}

static struct span bake(uint8_t *bytes, size_t cap, const struct recipe *r)
{
	struct wr w = wr_over(bytes, cap);
	struct wr_mark message, extensions;

	wr_u8(&w, 1);
	message = wr_open(&w, 3);
	wr_be16(&w, r->legacy ? r->legacy : 0x0303);
	wr_zero(&w, 32);
	wr_u8(&w, (uint8_t)r->session_len);
	wr_zero(&w, r->session_len);
	wr_be16(&w, 4);
	wr_be16(&w, 0x1301);
	wr_be16(&w, 0x1303);
	put_hex(&w, r->compression ? r->compression : "0100");
	extensions = wr_open(&w, 2);
	put_hex(&w, r->versions ? r->versions : VERSIONS);
	put_hex(&w, r->groups ? r->groups : GROUPS);
	put_hex(&w, r->shares ? r->shares : SHARES);
	put_hex(&w, r->extra ? r->extra : "");
	put_hex(&w, r->last ? r->last : "");
	wr_close(&w, extensions);
	wr_close(&w, message);
	return wr_span(&w);
}

static void table(void **state)
{
	/* clang-format off */
	static const struct recipe rows[] = {
		{ .name = "plain_is_read", .want = true },
		{ .name = "session_id_of_32_is_read", .want = true, .session_len = 32 },
		{ .name = "session_id_of_33_refused", .session_len = 33 },
		{ .name = "legacy_version_of_tls11_refused", .legacy = 0x0302 },
		{ .name = "legacy_version_of_tls13_refused", .legacy = 0x0304 },
		{ .name = "two_compressions_refused", .compression = "020001" },
		{ .name = "other_compression_refused", .compression = "0101" },
		{ .name = "no_compression_refused", .compression = "00" },
		{ .name = "no_versions_refused", .versions = "" },
		{ .name = "tls12_alone_refused", .versions = "002b0003020303" },
		{ .name = "odd_versions_refused", .versions = "002b000403030403" },
		{ .name = "both_versions_are_read", .want = true,
		  .versions = "002b00050403040303" },
		{ .name = "no_groups_refused", .groups = "" },
		{ .name = "empty_groups_refused", .groups = "000a00020000" },
		{ .name = "odd_groups_refused", .groups = "000a00050003001d00" },
		{ .name = "no_shares_refused", .shares = "" },
		{ .name = "empty_shares_are_read", .want = true, .shares = "003300020000" },
		{ .name = "share_of_a_group_not_listed_refused", .groups = "000a000400020017" },
		{ .name = "short_share_refused", .shares = "003300070005001d000101" },
		{ .name = "empty_share_refused", .shares = "003300060004001d0000" },
		{ .name = "share_twice_refused",
		  .shares = "0033004a0048001d0020" KEY_A "001d0020" KEY_A },
		{ .name = "other_share_beside_is_read", .want = true,
		  .shares = "0033002b0029" "0017000101" "001d0020" KEY_A },
		{ .name = "nine_shares_refused",
		  .groups = "000a001400120001000200030004000500060007000800" "09",
		  .shares = "0033002f002d" "0001000101" "0002000101" "0003000101" "0004000101"
		    "0005000101" "0006000101" "0007000101" "0008000101" "0009000101" },
		{ .name = "name_is_read", .want = true, .extra = "0000000a00080000056170702e78" },
		{ .name = "two_names_refused", .extra = "0000000e000c0000036170700000036170" "70" },
		{ .name = "name_of_another_type_refused", .extra = "00000008000601000361" "7070" },
		{ .name = "name_with_a_nul_refused", .extra = "0000000a0008000005610070" "2e78" },
		{ .name = "empty_name_refused", .extra = "000000050003000000" },
		{ .name = "alpn_is_read", .want = true, .extra = "001000050003026832" },
		{ .name = "empty_alpn_refused", .extra = "001000020000" },
		{ .name = "empty_protocol_refused", .extra = "00100003000100" },
		{ .name = "algorithms_are_read", .want = true, .extra = "000d0006000404030804" },
		{ .name = "algorithms_of_certificates_are_read", .want = true,
		  .extra = "0032000400020403" },
		{ .name = "other_algorithms_of_certificates_refused", .extra = "0032000400020804" },
		{ .name = "odd_algorithms_refused", .extra = "000d00050003040308" },
		{ .name = "unknown_extension_is_skipped", .want = true, .extra = "fafa0001ff" },
		{ .name = "extension_twice_refused", .extra = "0017000000170000" },
		{ .name = "versions_twice_refused", .extra = VERSIONS },
		{ .name = "max_fragment_length_refused", .extra = "0001000101" },
		{ .name = "use_srtp_refused", .extra = "000e0000" },
		{ .name = "early_data_refused", .extra = "002a0000" },
		{ .name = "cookie_refused", .extra = "002c000400020102" },
		{ .name = "length_past_the_end_refused", .extra = "00170001" },
		{ .name = "modes_are_read", .want = true, .extra = MODES },
		{ .name = "empty_modes_refused", .extra = "002d000100" },
		{ .name = "psk_is_read", .want = true, .extra = MODES, .last = PSK },
		{ .name = "psk_without_modes_refused", .last = PSK },
		{ .name = "psk_not_last_refused", .extra = PSK, .last = MODES },
		{ .name = "psk_twice_refused", .extra = MODES PSK, .last = PSK },
		{ .name = "short_binder_refused", .extra = MODES,
		  .last = "0029002d0009000369642100000000" "0020" "1f" KEY_31 },
		{ .name = "two_binders_for_one_identity_refused", .extra = MODES,
		  .last = "0029004f0009000369642100000000" "0042" BINDER BINDER },
		{ .name = "two_identities_for_one_binder_refused", .extra = MODES,
		  .last = "0029003700120003696421000000000003696421" "00000000" "0021" BINDER },
		{ .name = "empty_identity_refused", .extra = MODES,
		  .last = "0029002b0006000000000000" "0021" BINDER },
	};
	/* clang-format on */
	uint8_t bytes[1024];
	struct offer o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (offer_read(&o, bake(bytes, sizeof(bytes), &rows[i])) != rows[i].want)
			fail_msg("%s", rows[i].name);
}

/* What a binder covers ends before the list of binders (§4.2.11.2). */
static void binders_cover_what_is_before_them(void **state)
{
	static const struct recipe r = { .extra = MODES, .last = PSK };
	struct span message, identity, binder;
	uint8_t bytes[1024];
	struct offer o;

	(void)state;
	message = bake(bytes, sizeof(bytes), &r);
	assert_true(offer_read(&o, message));
	assert_int_equal(o.bound.n, message.n - 2 - 33);
	assert_ptr_equal(o.bound.p, message.p);
	assert_true(offer_next_psk(&o, &identity, &binder));
	assert_true(span_equal_str(identity, "id!"));
	assert_int_equal(binder.n, 32);
	assert_false(offer_next_psk(&o, &identity, &binder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_hellos),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(any_byte_changed),
		cmocka_unit_test(table),
		cmocka_unit_test(binders_cover_what_is_before_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* domain: the record's grammar, and the names it may stand at. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "edge/domain.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define ID "ABCDEF0123456789abcdef0123456789abcdef01"
#define LOWER "abcdef0123456789abcdef0123456789abcdef01"
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *text, *id; /* id NULL: refused */
	uint16_t port;
	bool is_hex;
} ROWS[] = {
	{ "hex_id", LOWER ":443", LOWER, 443, true },
	{ "hex_id_in_capitals", ID ":8443", LOWER, 8443, true },
	{ "alias", "shop:443", "shop", 443, false },
	{ "alias_in_capitals", "SHOP-2x:1", "shop-2x", 1, false },
	{ "longest_alias", L63 ":65535", L63, 65535, false },
	{ "empty_refused", "", NULL, 0, false },
	{ "no_port_refused", "shop", NULL, 0, false },
	{ "empty_port_refused", "shop:", NULL, 0, false },
	{ "empty_id_refused", ":443", NULL, 0, false },
	{ "port_0_refused", "shop:0", NULL, 0, false },
	{ "port_65536_refused", "shop:65536", NULL, 0, false },
	{ "port_with_zero_refused", "shop:0443", NULL, 0, false },
	{ "port_with_sign_refused", "shop:+443", NULL, 0, false },
	{ "blank_before_refused", " shop:443", NULL, 0, false },
	{ "blank_after_refused", "shop:443 ", NULL, 0, false },
	{ "blank_inside_refused", "shop: 443", NULL, 0, false },
	{ "two_colons_refused", "shop:443:1", NULL, 0, false },
	{ "suffix_refused", "shop:443s", NULL, 0, false },
	{ "name_with_suffix_refused", "shop-443s:443", NULL, 0, false },
	{ "gateway_refused", "gateway:443", NULL, 0, false },
	{ "dot_refused", "a.b:443", NULL, 0, false },
	{ "longer_alias_refused", L63 "a:443", NULL, 0, false },
	{ "hyphen_first_refused", "-shop:443", NULL, 0, false },
	{ "underscore_refused", "sh_op:443", NULL, 0, false },
	{ "address_refused", "[::1]:443", NULL, 0, false },
	{ "quotes_refused", "\"shop:443\"", NULL, 0, false },
};

static struct span rdata_of(uint8_t bytes[256], const char *text)
{
	struct wr w = wr_over(bytes, 256);

	wr_vec8(&w, span_str(text));
	return wr_span(&w);
}

static void table_of_values(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct domain_target t, before;
		bool is_read;

		memset(&t, 0x5a, sizeof(t));
		before = t;
		is_read = domain_read(&t, rdata_of(bytes, ROWS[i].text));
		if (is_read != (ROWS[i].id != NULL))
			fail_msg("%s", ROWS[i].name);
		if (!is_read) {
			assert_memory_equal(&t, &before, sizeof(t));
			continue;
		}
		if (strcmp(t.id, ROWS[i].id) != 0 || t.port != ROWS[i].port ||
		    t.id_is_hex != ROWS[i].is_hex)
			fail_msg("%s: %s:%d", ROWS[i].name, t.id, t.port);
	}
}

/* One character-string, whole: neither two nor a part of one. */
static void one_string_tiles_the_record(void **state)
{
	uint8_t bytes[64], two[] = { 4, 's', 'h', 'o', 'p', 4, ':', '4', '4', '3' };
	uint8_t nul[] = { 9, 's', 'h', 'o', 'p', 0, ':', '4', '4', '3' };
	uint8_t empty_second[] = { 8, 's', 'h', 'o', 'p', ':', '4', '4', '3', 0 };
	struct span whole = rdata_of((uint8_t[256]){ 0 }, "shop:443");
	struct domain_target t;

	(void)state;
	memcpy(bytes, whole.p, whole.n);
	assert_true(domain_read(&t, span_of(bytes, whole.n)));
	for (size_t n = 0; n < whole.n; n++) {
		uint8_t *own = malloc(n ? n : 1);

		memcpy(own, bytes, n);
		assert_false(domain_read(&t, span_of(own, n)));
		free(own);
	}
	bytes[whole.n] = 'x';
	assert_false(domain_read(&t, span_of(bytes, whole.n + 1)));
	assert_false(domain_read(&t, SPAN_ARRAY(two)));
	assert_false(domain_read(&t, SPAN_ARRAY(nul)));
	assert_false(domain_read(&t, SPAN_ARRAY(empty_second)));
}

static void places_of_a_name(void **state)
{
	static const char *const want[] = {
		"_postern.www.example.org",
		"_dstack-app-address.www.example.org",
		"_dstack-app-address-wildcard.example.org",
	};
	char out[NAME_MAX_LEN + 1], name[256] = L63 "." L63 "." L63 "." L63;

	(void)state;
	for (enum domain_place p = 0; p < DOMAIN_PLACES; p++) {
		assert_true(domain_place_name(out, p, "www.example.org"));
		assert_string_equal(out, want[p]);
	}
	/* Nobody speaks for all names of a top-level domain. */
	assert_false(domain_place_name(out, DOMAIN_WILDCARD, "example.org"));
	assert_false(domain_place_name(out, DOMAIN_WILDCARD, "localhost"));
	assert_true(domain_place_name(out, DOMAIN_OWN, "localhost"));
	name[NAME_MAX_LEN - 9] = '\0';
	assert_true(domain_place_name(out, DOMAIN_OWN, name));
	assert_int_equal(strlen(out), NAME_MAX_LEN);
	assert_false(domain_place_name(out, DOMAIN_COMPAT, name));
	name[NAME_MAX_LEN - 9] = 'a';
	assert_false(domain_place_name(out, DOMAIN_OWN, name));
}

static void reasons_are_words(void **state)
{
	(void)state;
	for (enum domain_status s = DOMAIN_FOUND; s <= DOMAIN_LIMITED; s++)
		assert_int_equal(strspn(domain_reason(s), "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(domain_reason(s)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_values),
		cmocka_unit_test(one_string_tiles_the_record),
		cmocka_unit_test(places_of_a_name),
		cmocka_unit_test(reasons_are_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

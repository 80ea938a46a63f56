/* Who the app is in dstack's words; hashes by Python's hashlib. */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "guest/appinfo.h"
#include "guest_world.h"

static void is_hash(const struct sha256 *got, const char *want)
{
	uint8_t b[32];

	assert_true(text_hex_decode(b, 32, span_str(want)));
	assert_memory_equal(got->b, b, 32);
}

static void registers_are_put_together(void **state)
{
	struct guest_world g;
	struct sha256 h;

	(void)state;
	assert_true(guest_world_make(&g));
	appinfo_aggregate(&h, &g.registers); /* 8 registers of 48 times 3 */
	is_hash(&h, "29459b9a0d39eda97d36014a4c0d76f3fb7fcffcb73a5ab45d36add99efa7ae7");
	appinfo_system(&h, &g.registers); /* 4 of them, and 32 zeros */
	is_hash(&h, "79d1471484c2b4b4c1d7c43d6bf8ab8731a5cc099cccf97d83fc4bf41d48e3fb");
	appinfo_image(&h, &g.registers); /* 3 of them */
	is_hash(&h, "32348a465bd8b3827d093569624bee8e112f0d3d772c84cab843223dcc5996ef");
	/* A launch without an owner's words is hashed without their room. */
	memset(g.registers.mr_config_id, 0, QUOTE_MR_LEN);
	memset(g.registers.mr_owner, 0, QUOTE_MR_LEN);
	memset(g.registers.mr_owner_config, 0, QUOTE_MR_LEN);
	appinfo_aggregate(&h, &g.registers); /* 5 of them */
	is_hash(&h, "a8021cf4dfe02de563b5a55c2092c5ddbadedf6411a08ed1b6ccb461042ef726");
	g.registers.mr_owner_config[47] = 1; /* any of them counts */
	appinfo_aggregate(&h, &g.registers);
	is_hash(&h, "bda25934cedc2b71f1cce6232522df6cf112d92b6966157c2805b9c513ef9194");
	guest_world_fini(&g);
}

/* Its members, each a name and bytes, in this order. */
static void it_is_a_map_by_name(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} members[] = {
		{ "app_id", 20 },
		{ "compose_hash", 32 },
		{ "instance_id", 20 },
		{ "device_id", 32 },
		{ "mr_system", 32 },
		{ "mr_aggregated", 32 },
		{ "os_image_hash", 32 },
		{ "key_provider_info", 0 },
	};
	AUTO(buf_fini)
	struct buf out = { 0 };
	struct guest_world g;
	struct span rest, name, value;
	uint8_t head = 0, kind = 0, n = 0;

	(void)state;
	assert_true(guest_world_make(&g));
	buf_init(&out, 1024);
	assert_int_equal(appinfo_write(&out, &g.w), RC_OK);
	rest = buf_span(&out);
	assert_true(rd_u8(&rest, &head) && head == 0x88);
	for (size_t i = 0; i < 8; i++) {
		assert_true(rd_u8(&rest, &head) && rd_n(&rest, &name, head & 0x1f));
		assert_int_equal(head & 0xe0, 0xa0);
		assert_true(span_equal_str(name, members[i].name));
		assert_true(rd_u8(&rest, &kind) && kind == 0xc4);
		assert_true(rd_u8(&rest, &n) && rd_n(&rest, &value, n));
		assert_int_equal(n, members[i].n);
		if (i == 0)
			assert_memory_equal(value.p, g.manifest.app_id, 20);
	}
	assert_true(rd_end(&rest));
	for (size_t room = 0; room < buf_span(&out).n; room++) {
		AUTO(buf_fini)
		struct buf small = { 0 };

		buf_init(&small, room);
		assert_int_equal(appinfo_write(&small, &g.w), RC_LIMIT);
	}
	guest_world_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_put_together),
		cmocka_unit_test(it_is_a_map_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

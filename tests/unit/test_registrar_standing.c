/* As which app a peer counts: its own, or one that it shows it may continue. */
#include "folder.h"

#include "registrar/standing.h"

enum {
	NONE = 0, /* of marks */
};

/* Whom the gateway saw, in this order; one store for all rows. */
static const struct {
	const char *name;
	uint8_t own, continues; /* first byte of an app id; continues 0: none */
	uint8_t mark; /* its bytes */
	enum standing want;
	uint8_t app; /* as which it counts */
} rows[] = {
	{ "first_without_a_service", 0xa1, 0, NONE, STANDING_OK, 0xa1 },
	{ "update_of_it", 0xa2, 0xa1, 7, STANDING_UNKNOWN, 0 },
	{ "update_before_the_first", 0xb2, 0xb1, 8, STANDING_UNKNOWN, 0 },
	{ "first", 0xb1, 0, 8, STANDING_OK, 0xb1 },
	{ "update_with_its_mark", 0xb2, 0xb1, 8, STANDING_OK, 0xb1 },
	{ "update_without_a_mark", 0xb2, 0xb1, NONE, STANDING_UNPROVEN, 0 },
	{ "update_with_another_mark", 0xb2, 0xb1, 9, STANDING_UNPROVEN, 0 },
	{ "mark_of_another_app", 0xc1, 0, 9, STANDING_OK, 0xc1 },
	{ "is_none_of_this", 0xb2, 0xb1, 9, STANDING_UNPROVEN, 0 },
	{ "an_update_is_no_first", 0xb3, 0xb2, 8, STANDING_UNKNOWN, 0 },
	{ "first_without_a_mark_later", 0xb1, 0, NONE, STANDING_OK, 0xb1 },
	{ "takes_it_from_no_update", 0xb2, 0xb1, 8, STANDING_OK, 0xb1 },
	{ "first_by_a_service_made_anew", 0xb1, 0, 10, STANDING_OK, 0xb1 },
	{ "update_by_the_old_one", 0xb2, 0xb1, 8, STANDING_UNPROVEN, 0 },
	{ "update_by_the_new_one", 0xb2, 0xb1, 10, STANDING_OK, 0xb1 },
};

static void table(void **state)
{
	struct folder folder;
	struct store *store = NULL;
	char error[256];

	(void)state;
	folder_make(&folder);
	assert_int_equal(store_open(&store, folder.path, STORE_WRITE, 16 << 20, error), RC_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct channel_peer peer = { .has_lineage = rows[i].mark != NONE };
		uint8_t app[STORE_ID_LEN] = { 0 };

		peer.manifest.app_id[0] = peer.manifest.lineage[0] = rows[i].own;
		peer.manifest.continues = rows[i].continues != 0;
		if (rows[i].continues)
			peer.manifest.lineage[0] = rows[i].continues;
		memset(peer.lineage.b, rows[i].mark, sizeof(peer.lineage.b));
		if (standing_of(app, store, &peer) != rows[i].want || app[0] != rows[i].app)
			fail_msg("%s", rows[i].name);
	}
	store_close(store);
	folder_remove(&folder);
}

/* Only the first byte differs above. */
static void every_byte_of_a_mark_counts(void **state)
{
	struct folder folder;
	struct store *store = NULL;
	struct channel_peer first = { .has_lineage = true }, later;
	uint8_t app[STORE_ID_LEN];
	char error[256];

	(void)state;
	folder_make(&folder);
	assert_int_equal(store_open(&store, folder.path, STORE_WRITE, 16 << 20, error), RC_OK);
	assert_int_equal(standing_of(app, store, &first), STANDING_OK);
	for (size_t i = 0; i <= sizeof(first.lineage.b); i++) {
		later = first;
		later.manifest.continues = true;
		later.manifest.app_id[0] = 1;
		if (i < sizeof(first.lineage.b))
			later.lineage.b[i] = 1;
		assert_int_equal(standing_of(app, store, &later),
				 i < sizeof(first.lineage.b) ? STANDING_UNPROVEN : STANDING_OK);
	}
	store_close(store);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(every_byte_of_a_mark_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

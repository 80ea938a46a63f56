/* tile, frontier: proofs made of tiles and roots made leaf by leaf, against the
 * definition; paths and widths as the specification's examples have them. */
#include "unit.h"

#include "ct/frontier.h"
#include "ct/tile.h"
#include "stupid_tree.h"

/* A log's tiles, made when they are asked for. */
struct log {
	const struct merkle_hash *leaves;
	size_t size;
	size_t asked;
	struct merkle_hash room[TILE_SET_MAX][TILE_WIDTH];
};

static void serve(struct log *log, struct tile_set *set)
{
	for (size_t t = 0; t < set->count; t++) {
		struct tile_id id = set->id[t];
		size_t each = (size_t)1 << (8 * id.level);

		if (set->content[t].n)
			continue;
		log->asked++;
		assert_true(id.width >= 1 && id.width <= TILE_WIDTH);
		/* A full tile, or the partial one of just this size. */
		if (id.width < TILE_WIDTH)
			assert_int_equal(id.width, (log->size >> (8 * id.level)) % 256);
		for (size_t i = 0; i < id.width; i++)
			log->room[t][i] = stupid_root(
				log->leaves + ((size_t)id.index * 256 + i) * each, each);
		assert_true(tile_put(set, t, span_of(log->room[t], id.width * 32UL)));
	}
}

static void check_inclusion(struct log *log, size_t index)
{
	struct tile_set set = { .count = 0 };
	struct treeproof p, want = { .count = 0 };
	struct tree_head head = { .size = log->size,
				  .root = stupid_root(log->leaves, log->size) };
	struct merkle_hash leaf;
	unsigned rounds = 0;

	while (tile_inclusion(&p, &set, index, log->size) == TILE_MORE) {
		assert_true(++rounds < 3);
		serve(log, &set);
	}
	stupid_path(&want, index, log->leaves, log->size);
	assert_int_equal(p.count, want.count);
	assert_memory_equal(p.hash, want.hash, p.count * sizeof(p.hash[0]));
	while (tile_leaf(&leaf, &set, index, log->size) == TILE_MORE)
		serve(log, &set);
	assert_memory_equal(&leaf, &log->leaves[index], sizeof(leaf));
	assert_true(treeproof_includes(&head, index, &leaf, &p));
}

static void check_consistency(struct log *log, size_t first)
{
	struct tile_set set = { .count = 0 };
	struct treeproof p, want = { .count = 0 };
	unsigned rounds = 0;

	while (tile_consistency(&p, &set, first, log->size) == TILE_MORE) {
		assert_true(++rounds < 3);
		serve(log, &set);
	}
	if (first)
		stupid_subproof(&want, first, log->leaves, log->size, true);
	assert_int_equal(p.count, want.count);
	assert_memory_equal(p.hash, want.hash, p.count * sizeof(p.hash[0]));
}

static void proofs_of_every_small_tree(void **state)
{
	struct merkle_hash *d = stupid_leaves(600);
	struct log *log = calloc(1, sizeof(*log));

	(void)state;
	log->leaves = d;
	for (log->size = 1; log->size <= 130; log->size++)
		for (size_t i = 0; i < log->size; i++) {
			check_inclusion(log, i);
			check_consistency(log, i + 1);
		}
	for (log->size = 250; log->size <= 600; log->size += 7)
		for (size_t i = 0; i < log->size; i += 11) {
			check_inclusion(log, i);
			check_consistency(log, i);
		}
	free(log);
	free(d);
}

static void proofs_of_a_tree_of_three_levels(void **state)
{
	struct merkle_hash *d = stupid_leaves(70000);
	struct log *log = calloc(1, sizeof(*log));

	(void)state;
	log->leaves = d;
	log->size = 70000;
	check_inclusion(log, 0);
	check_inclusion(log, 69999);
	check_inclusion(log, 65535);
	check_inclusion(log, 65536);
	check_consistency(log, 65536);
	check_consistency(log, 12345);
	check_consistency(log, 69999);
	free(log);
	free(d);
}

/* static-ct-api, "Partial Tiles": a tree of 70,000 and one of 256. */
static void widths_of_the_specification(void **state)
{
	(void)state;
	assert_int_equal(tile_of(70000, 0, 272).width, 256);
	assert_int_equal(tile_of(70000, 0, 273).width, 112);
	assert_int_equal(tile_of(70000, 0, 274).width, 0);
	assert_int_equal(tile_of(70000, 1, 0).width, 256);
	assert_int_equal(tile_of(70000, 1, 1).width, 17);
	assert_int_equal(tile_of(70000, 2, 0).width, 1);
	assert_int_equal(tile_of(70000, 3, 0).width, 0);
	assert_int_equal(tile_of(256, 0, 0).width, 256);
	assert_int_equal(tile_of(256, 1, 0).width, 1);
	assert_int_equal(tile_of(1, 0, UINT64_MAX).width, 0);
}

static void paths(void **state)
{
	static const struct {
		struct tile_id id;
		const char *want;
	} cases[] = {
		{ { 0, 1234067, 256 }, "tile/0/x001/x234/067" },
		{ { 1, 0, 256 }, "tile/1/000" },
		{ { 2, 0, 1 }, "tile/2/000.p/1" },
		{ { 0, 273, 112 }, "tile/0/273.p/112" },
		{ { 0, 999, 255 }, "tile/0/999.p/255" },
		{ { 0, 1000, 256 }, "tile/0/x001/000" },
		{ { 5, 1000000000, 256 }, "tile/5/x001/x000/x000/000" },
	};
	char text[TILE_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr w = WR_ARRAY(text);

		tile_path(&w, &cases[i].id);
		assert_true(span_equal_str(wr_span(&w), cases[i].want));
	}
	struct wr w = WR_ARRAY(text);

	tile_data_path(&w, 1234067, 3);
	assert_true(span_equal_str(wr_span(&w), "tile/data/x001/x234/067.p/3"));
	w = WR_ARRAY(text);
	tile_data_path(&w, UINT64_MAX / 256, 256);
	assert_false(w.over);
}

static void what_is_not_there(void **state)
{
	struct tile_set set = { .count = 0 };
	struct merkle_hash leaf;
	struct treeproof p;
	static const uint8_t junk[64];

	(void)state;
	assert_int_equal(tile_inclusion(&p, &set, 5, 5), TILE_NEVER);
	assert_int_equal(tile_consistency(&p, &set, 6, 5), TILE_NEVER);
	assert_int_equal(tile_leaf(&leaf, &set, 5, 5), TILE_NEVER);
	assert_int_equal(tile_inclusion(&p, &set, 0, 3), TILE_MORE);
	assert_int_equal(set.count, 1);
	/* a tile of the wrong width is not put in */
	assert_false(tile_put(&set, 0, SPAN_ARRAY(junk)));
	assert_false(tile_put(&set, 1, SPAN_ARRAY(junk)));
	assert_int_equal(set.content[0].n, 0);
}

/* No plan is larger than the set, however large the tree. */
static void plans_fit(void **state)
{
	static const uint64_t sizes[] = { 1ULL << 40, (1ULL << 40) - 1, (1ULL << 63) - 1,
					  UINT64_MAX, 0xaaaaaaaaaaaaaaaaULL };
	struct merkle_hash zeros[TILE_WIDTH] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned k = 1; k < 64; k++) {
			struct tile_set set = { .count = 0 };
			struct treeproof p;
			enum tile_answer a;

			a = tile_consistency(&p, &set, sizes[i] / 3 + k, sizes[i]);
			assert_int_equal(a, TILE_MORE);
			assert_true(set.count < TILE_SET_MAX);
			for (size_t t = 0; t < set.count; t++)
				assert_true(tile_put(&set, t,
						     span_of(zeros, set.id[t].width * 32UL)));
			a = tile_consistency(&p, &set, sizes[i] / 3 + k, sizes[i]);
			assert_int_equal(a, TILE_DONE);
		}
}

static void frontier_is_the_root(void **state)
{
	struct merkle_hash *d = stupid_leaves(300);
	struct frontier f = { 0 };

	(void)state;
	for (size_t n = 0; n <= 300; n++) {
		struct tree_head head = frontier_head(&f);
		struct merkle_hash want = stupid_root(d, n);
		uint8_t room[FRONTIER_BYTES_MAX];
		struct wr w = WR_ARRAY(room);
		struct frontier back = { 0 };
		struct span s;

		assert_int_equal(head.size, n);
		assert_memory_equal(&head.root, &want, sizeof(want));
		frontier_write(&w, &f);
		s = wr_span(&w);
		for (size_t cut = 0; cut < s.n; cut += 5) {
			struct span part = span_of(s.p, cut);

			assert_int_equal(frontier_read(&back, &part), RC_MALFORMED);
			assert_int_equal(back.size, 0);
		}
		assert_int_equal(frontier_read(&back, &s), RC_OK);
		assert_true(rd_end(&s));
		head = frontier_head(&back);
		assert_memory_equal(&head.root, &want, sizeof(want));
		if (n < 300)
			frontier_add(&f, &d[n]);
	}
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proofs_of_every_small_tree),
		cmocka_unit_test(proofs_of_a_tree_of_three_levels),
		cmocka_unit_test(widths_of_the_specification),
		cmocka_unit_test(paths),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(plans_fit),
		cmocka_unit_test(frontier_is_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

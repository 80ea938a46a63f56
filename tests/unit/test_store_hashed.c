/* store/hashed: against a plain list, and across a crash. */
#include "folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include "store/hashed.h"

enum {
	KEYS = 3000,
	STEPS = 12000,
};

struct fixture {
	struct folder folder;
	struct db *db;
};

static void open_db(struct fixture *f, enum store_access access)
{
	char error[256];

	assert_int_equal(db_open(&f->db, f->folder.path, access, 64 << 20, error), RC_OK);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	folder_make(&f->folder);
	open_db(f, STORE_WRITE);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	db_close(f->db);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

/* What a key has in the list: a length of its value; 0: it is not there. */
struct model {
	uint16_t len[KEYS];
	uint8_t fill[KEYS];
	uint32_t chance;
};

static uint32_t chance(struct model *m)
{
	m->chance = m->chance * 1664525 + 1013904223;
	return m->chance >> 8;
}

static struct span key_of(char text[16], size_t i)
{
	snprintf(text, 16, "key %zu", i);
	return span_str(text);
}

static bool is_in(struct fixture *f, MDB_txn *txn, const char *key, struct span *value)
{
	bool is_found;
	enum rc rc = hashed_get(f->db, txn, TABLE_NEAR, span_str(key), value, &is_found);

	assert_int_equal(rc, RC_OK);
	return is_found;
}

static void put(struct fixture *f, MDB_txn *txn, const char *key, struct span value)
{
	assert_int_equal(hashed_put(f->db, txn, TABLE_NEAR, span_str(key), value), RC_OK);
}

static void check_key(struct fixture *f, MDB_txn *txn, const struct model *m, size_t i)
{
	struct span value;
	char text[16];

	key_of(text, i);
	assert_true(is_in(f, txn, text, &value) == (m->len[i] > 0));
	if (m->len[i] == 0)
		return;
	assert_int_equal(value.n, m->len[i]);
	for (size_t n = 0; n < value.n; n++)
		assert_int_equal(value.p[n], m->fill[i]);
}

static void step(struct fixture *f, MDB_txn *txn, struct model *m)
{
	size_t i = chance(m) % KEYS, most = chance(m) % 20 ? 60 : BUCKET_VALUE_MAX;
	size_t len = 1 + chance(m) % most;
	uint8_t bytes[BUCKET_VALUE_MAX];
	char text[16];

	if (chance(m) % 3 == 0) {
		assert_int_equal(hashed_del(f->db, txn, TABLE_NEAR, key_of(text, i)), RC_OK);
		m->len[i] = 0;
	} else {
		m->fill[i] = (uint8_t)chance(m);
		m->len[i] = (uint16_t)len;
		memset(bytes, m->fill[i], len);
		key_of(text, i);
		put(f, txn, text, span_of(bytes, len));
	}
	check_key(f, txn, m, i);
}

static void as_a_list_has_it(void **state)
{
	struct model *m = test_calloc(1, sizeof(*m));
	struct fixture *f = *state;
	MDB_stat stat;
	MDB_txn *txn;

	m->chance = 12345;
	for (unsigned t = 0; t < STEPS / 100; t++) {
		assert_int_equal(db_write_begin(f->db, &txn), RC_OK);
		for (unsigned i = 0; i < 100; i++)
			step(f, txn, m);
		assert_int_equal(db_write_end(txn, RC_OK), RC_OK);
	}
	assert_int_equal(db_read_begin(f->db, &txn), RC_OK);
	for (size_t i = 0; i < KEYS; i++)
		check_key(f, txn, m, i);
	/* It was not all in one place. */
	assert_int_equal(mdb_stat(txn, db_table(f->db, TABLE_NEAR), &stat), 0);
	assert_true(stat.ms_entries > 8);
	db_read_end(f->db, txn);
	test_free(m);
}

/* A transaction that is not committed leaves all as it was, although pages were
 * split; and so does a process that is killed in it. */
static void change_is_whole_or_not_at_all(void **state)
{
	struct model *m = test_calloc(1, sizeof(*m));
	struct fixture *f = *state;
	struct model kept;
	MDB_txn *txn;
	pid_t pid;

	assert_int_equal(db_write_begin(f->db, &txn), RC_OK);
	for (unsigned i = 0; i < 500; i++)
		step(f, txn, m);
	assert_int_equal(db_write_end(txn, RC_OK), RC_OK);
	kept = *m;
	assert_int_equal(db_write_begin(f->db, &txn), RC_OK);
	for (unsigned i = 0; i < 2000; i++)
		step(f, txn, m);
	assert_int_equal(db_write_end(txn, RC_DENIED), RC_DENIED);
	db_close(f->db);
	pid = fork();
	if (pid == 0) {
		open_db(f, STORE_WRITE);
		if (db_write_begin(f->db, &txn) == RC_OK)
			for (unsigned i = 0; i < 2000; i++)
				step(f, txn, m);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	open_db(f, STORE_WRITE);
	assert_int_equal(db_read_begin(f->db, &txn), RC_OK);
	for (size_t i = 0; i < KEYS; i++)
		check_key(f, txn, &kept, i);
	db_read_end(f->db, txn);
	test_free(m);
}

/* Nobody who reads sees a change before its transaction is over. */
static void reader_has_its_snapshot(void **state)
{
	struct fixture *f = *state;
	struct span value;
	MDB_txn *write, *read;

	assert_int_equal(db_write_begin(f->db, &write), RC_OK);
	put(f, write, "a", span_str("1"));
	assert_int_equal(db_write_end(write, RC_OK), RC_OK);
	assert_int_equal(db_read_begin(f->db, &read), RC_OK);
	assert_int_equal(db_write_begin(f->db, &write), RC_OK);
	put(f, write, "a", span_str("2"));
	assert_int_equal(db_write_end(write, RC_OK), RC_OK);
	assert_true(is_in(f, read, "a", &value) && span_equal_str(value, "1"));
	db_read_end(f->db, read);
}

/* Bytes that are no group are an error, and no miss. */
static void what_is_no_group_is_malformed(void **state)
{
	static const uint8_t names[][5] = { { 0xff, 0xff, 0xff, 0xff, 0 },
					    { 0xff, 0xff, 0xff, 0xff, 31 } };
	uint8_t bytes[HASHED_PAGES * 4096 - 16] = { 0 };
	struct fixture *f = *state;
	struct span value;
	MDB_txn *txn;
	bool is_found;
	enum rc rc;

	for (unsigned i = 0; i < 3; i++) {
		struct span name = i == 1 ? SPAN_ARRAY(names[1]) : SPAN_ARRAY(names[0]);
		struct span page = span_of(bytes, sizeof(bytes) - (i == 0));

		assert_int_equal(db_write_begin(f->db, &txn), RC_OK);
		assert_int_equal(db_put(f->db, txn, TABLE_NEAR, name, page), RC_OK);
		rc = hashed_get(f->db, txn, TABLE_NEAR, span_str("x"), &value, &is_found);
		assert_int_equal(rc, i == 2 ? RC_OK : RC_MALFORMED);
		rc = hashed_del(f->db, txn, TABLE_NEAR, span_str("x"));
		assert_int_equal(rc, i == 2 ? RC_OK : RC_MALFORMED);
		assert_int_equal(db_write_end(txn, RC_DENIED), RC_DENIED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_a_list_has_it, setup, teardown),
		cmocka_unit_test_setup_teardown(change_is_whole_or_not_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(reader_has_its_snapshot, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_group_is_malformed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

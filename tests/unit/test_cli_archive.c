/* archive: which images a `docker save` holds; ids are hashes of what is there, not of what it is
 * called. */
#include "folder.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/archive.h"
#include "io/file.h"

enum {
	BLOCK = 512,
	TAR_MAX = 64 * 1024,
};

#define LIST(config, tags) \
	"[{\"Config\":\"" config "\",\"RepoTags\":" tags ",\"Layers\":[\"a/layer.tar\"]}]"

static void add(struct buf *tar, const char *name, const char *content)
{
	uint8_t head[BLOCK] = { 0 }, rest[BLOCK] = { 0 };
	size_t n = strlen(content);

	(void)snprintf((char *)head, 100, "%s", name);
	(void)snprintf((char *)head + 124, 12, "%011o", (unsigned)n);
	head[156] = '0';
	assert_true(buf_add(tar, SPAN_ARRAY(head)));
	assert_true(buf_add(tar, span_str(content)));
	assert_true(buf_add(tar, span_of(rest, (BLOCK - n % BLOCK) % BLOCK)));
}

/* Writes it without its last 'cut' bytes, and reads that. */
static enum rc read_tar(struct archive *out, const struct buf *tar, size_t cut, char *error)
{
	struct folder f;
	char path[128];
	enum rc rc;

	folder_make(&f);
	assert_int_equal(file_replace(folder_file(path, &f, "t.tar"),
				      span_of(buf_span(tar).p, tar->n - cut), 0600),
			 RC_OK);
	rc = archive_read(out, path, error);
	folder_remove(&f);
	return rc;
}

static void images_found(void **state)
{
	AUTO(mem_auto_free)
	struct archive *a = mem_new(sizeof(*a));
	AUTO(buf_fini)
	struct buf tar = { 0 };
	char error[ARCHIVE_ERROR_MAX] = "", want[80] = "sha256:";
	struct wr w = wr_over(want + 7, sizeof(want) - 8);
	struct sha256 id;

	(void)state;
	buf_init(&tar, TAR_MAX);
	add(&tar, "a/layer.tar", "bytes");
	add(&tar, "0123.json", "{\"config\":{}}"); /* its name says nothing */
	add(&tar, "manifest.json", LIST("0123.json", "[\"hello:latest\",\"r.example:5000/x:1\"]"));
	assert_int_equal(read_tar(a, &tar, 0, error), RC_OK);
	sha256_of(&id, span_str("{\"config\":{}}"));
	text_hex(&w, SPAN_ARRAY(id.b));
	assert_int_equal(a->count, 2);
	assert_string_equal(archive_find(a, "hello:latest")->digest, want);
	assert_string_equal(archive_find(a, "r.example:5000/x:1")->digest, want);
	assert_null(archive_find(a, "hello"));
}

static void strange_archives_refused(void **state)
{
	static const struct {
		const char *name, *list, *config;
		enum rc want;
	} rows[] = {
		{ "no_list", NULL, "{}", RC_MALFORMED },
		{ "no_json", "[", "{}", RC_MALFORMED },
		{ "an_object", "{}", "{}", RC_MALFORMED },
		{ "no_configuration", LIST("c.json", "[\"x:1\"]"), NULL, RC_MALFORMED },
		{ "empty_configuration", LIST("c.json", "[\"x:1\"]"), "", RC_MALFORMED },
		{ "configuration_elsewhere", LIST("../../etc/passwd", "[\"x:1\"]"), "{}",
		  RC_MALFORMED },
		{ "tag_is_number", LIST("c.json", "[1]"), "{}", RC_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(mem_auto_free)
		struct archive *a = mem_new(sizeof(*a));
		AUTO(buf_fini)
		struct buf tar = { 0 };
		char error[ARCHIVE_ERROR_MAX] = "";

		print_message("%s\n", rows[i].name);
		buf_init(&tar, TAR_MAX);
		if (rows[i].config)
			add(&tar, "c.json", rows[i].config);
		if (rows[i].list)
			add(&tar, "manifest.json", rows[i].list);
		add(&tar, "last", "x");
		a->count = 77;
		assert_int_equal(read_tar(a, &tar, 0, error), rows[i].want);
		assert_int_equal(a->count, 77);
		assert_non_null(strstr(error, "t.tar: "));
	}
}

static void cut_archive_refused(void **state)
{
	AUTO(mem_auto_free)
	struct archive *a = mem_new(sizeof(*a));
	AUTO(buf_fini)
	struct buf tar = { 0 };
	char error[ARCHIVE_ERROR_MAX] = "";

	(void)state;
	buf_init(&tar, TAR_MAX);
	add(&tar, "c.json", "{}");
	add(&tar, "manifest.json", LIST("c.json", "[\"x:1\"]"));
	for (size_t cut = BLOCK; cut < tar.n; cut += 100)
		assert_int_equal(read_tar(a, &tar, cut, error), RC_MALFORMED);
	assert_int_equal(archive_read(a, "/nonexistent", error), RC_SYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_found),
		cmocka_unit_test(strange_archives_refused),
		cmocka_unit_test(cut_archive_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

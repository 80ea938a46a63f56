#include "cli/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"

enum {
	BLOCK = 512,
	MEMBER_MAX = 4 * 1024 * 1024, /* of what is read whole */
	NAME_LEN = 100,
	SIZE_AT = 124,
	SIZE_LEN = 12,
	TYPE_AT = 156,
	ENTRIES_MAX = 100 * 1000,
};

static enum rc bad(char error[ARCHIVE_ERROR_MAX], const char *path,
		   const char *what)
{
	(void)snprintf(error, ARCHIVE_ERROR_MAX, "%.300s: %s", path, what);
	return RC_MALFORMED;
}

/* Octal digits, with blanks or a NUL after them. */
static bool read_size(uint64_t *out, const uint8_t *field)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < SIZE_LEN && field[i] >= '0' && field[i] <= '7'; i++)
		v = v * 8 + (uint64_t)(field[i] - '0');
	if (i == 0 || (i < SIZE_LEN && field[i] != ' ' && field[i] != 0))
		return false;
	*out = v;
	return true;
}

static bool read_at(int fd, void *to, size_t n, uint64_t at)
{
	return pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

/* The bytes of the regular member called 'name'.  False: it is not there, or
 * this is no tar. */
static bool read_member(struct buf *out, int fd, const char *name)
{
	uint8_t head[BLOCK];
	uint64_t at = 0, size;

	for (int i = 0; i < ENTRIES_MAX && read_at(fd, head, BLOCK, at); i++) {
		size_t n = strnlen((const char *)head, NAME_LEN);
		bool is_file = head[TYPE_AT] == '0' || head[TYPE_AT] == 0;
		size_t room;
		uint8_t *to;

		if (n == 0 || !read_size(&size, head + SIZE_AT))
			return false;
		at += BLOCK;
		if (!is_file || !span_equal_str(span_of(head, n), name)) {
			at += (size + BLOCK - 1) / BLOCK * BLOCK;
			continue;
		}
		to = size && size <= MEMBER_MAX
			     ? buf_space(out, (size_t)size, &room)
			     : NULL;
		if (!to || room < size || !read_at(fd, to, (size_t)size, at))
			return false;
		buf_commit(out, (size_t)size);
		return true;
	}
	return false;
}

static bool add_tags(struct archive *a, const json_t *tags,
		     const struct sha256 *id)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		struct app_image *image = &a->images[a->count];
		const char *name = json_string_value(tag);
		struct wr w;

		if (!name || strlen(name) >= APP_IMAGE_MAX ||
		    a->count == ARCHIVE_IMAGES_MAX)
			return false;
		memset(image, 0, sizeof(*image));
		(void)snprintf(image->name, APP_IMAGE_MAX, "%s", name);
		w = wr_over(image->digest, sizeof(image->digest) - 1);
		wr_str(&w, "sha256:");
		text_hex(&w, SPAN_ARRAY(id->b));
		a->count++;
	}
	return true;
}

static enum rc read_image(struct archive *a, int fd, const json_t *image,
			  const char *path, char error[ARCHIVE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf config = { 0 };
	struct sha256 id;

	buf_init(&config, MEMBER_MAX);
	if (!read_member(&config, fd, jtext(image, "Config")))
		return bad(error, path, "an image without its configuration");
	sha256_of(&id, buf_span(&config));
	if (add_tags(a, json_object_get(image, "RepoTags"), &id))
		return RC_OK;
	(void)bad(error, path, "too many tags, or one that is too long");
	return RC_LIMIT;
}

static enum rc read_open(struct archive *a, int fd, const char *path,
			 char error[ARCHIVE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(jfree)
	json_t *list = NULL;
	const json_t *image;
	enum rc rc = RC_OK;
	size_t i;

	buf_init(&text, MEMBER_MAX);
	if (!read_member(&text, fd, "manifest.json"))
		return bad(error, path, "no archive of `docker save`");
	list = json_loadb((const char *)buf_span(&text).p, text.n,
			  JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_array(list))
		return bad(error, path, "manifest.json is no list");
	json_array_foreach(list, i, image)
	{
		rc = read_image(a, fd, image, path, error);
		if (rc)
			break;
	}
	return rc;
}

enum rc archive_read(struct archive *out, const char *path,
		     char error[ARCHIVE_ERROR_MAX])
{
	AUTO(mem_auto_free)
	struct archive *a = mem_new(sizeof(*a));
	AUTO(mem_auto_close)
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum rc rc;

	if (fd < 0) {
		(void)bad(error, path, strerror(errno));
		return RC_SYS;
	}
	rc = read_open(a, fd, path, error);
	if (!rc)
		*out = *a;
	return rc;
}

const struct app_image *archive_find(const struct archive *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->images[i].name, name) == 0)
			return &a->images[i];
	}
	return NULL;
}

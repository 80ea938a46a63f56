#include "guestinit/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	ANSWER_MAX = 4 * 1024 * 1024,
	PIECE = 256 * 1024,
	STATUS_AT = 9, /* in "HTTP/1.0 200 OK" */
};

static int connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, strnlen(path, sizeof(at.sun_path) - 1));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool engine_answers(const char *path)
{
	int fd = connect_to(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool send_all(int fd, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !rd_skip(&bytes, (size_t)n))
			return false;
	}
	return true;
}

/* False: the disk cannot be read; the engine would wait for the rest.  It may
 * have seen enough before the disk's end: then its answer says. */
static bool send_disk(int fd, int disk)
{
	AUTO(mem_auto_free)
	uint8_t *piece = mem_new(PIECE);
	ssize_t n;

	for (;;) {
		n = read(disk, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		if (!send_all(fd, span_of(piece, (size_t)n)))
			return true;
	}
}

static enum rc read_answer(int fd, struct buf *out)
{
	size_t room;

	for (;;) {
		uint8_t *to = buf_space(out, 1, &room);
		ssize_t n = to ? read(fd, to, room) : -1;

		if (n < 0 && to && errno == EINTR)
			continue;
		if (n < 0)
			return to ? RC_SYS : RC_LIMIT;
		if (n == 0)
			return RC_OK;
		buf_commit(out, (size_t)n);
	}
}

/* The body of an answer in HTTP/1.0, and its status. */
static bool split_answer(struct span answer, unsigned *status,
			 struct span *body)
{
	static const char blank[] = "\r\n\r\n";
	const uint8_t *end = memmem(answer.p, answer.n, blank, 4);
	struct span head, digits;
	uint64_t number;

	if (!end || !rd_n(&answer, &head, (size_t)(end - answer.p)) ||
	    !rd_skip(&answer, 4) || !rd_skip(&head, STATUS_AT) ||
	    !rd_n(&head, &digits, 3) || !text_u64(&number, digits, 999))
		return false;
	*status = (unsigned)number;
	*body = answer;
	return true;
}

/*
 * One request, and the whole answer in 'out' with its body in *body.  HTTP/1.0,
 * so that nothing comes in chunks.  'disk' is sent as the body; -1: none.
 */
static enum rc ask(struct buf *out, struct span *body, const char *path,
		   const char *method, const char *target, int disk,
		   uint64_t disk_bytes)
{
	AUTO(mem_auto_close)
	int fd = connect_to(path);
	char head[768];
	struct wr w = WR_ARRAY(head);
	unsigned status = 0;
	enum rc rc;

	wr_printf(&w,
		  "%s %s HTTP/1.0\r\nHost: engine\r\nContent-Type: "
		  "application/x-tar\r\nContent-Length: %llu\r\n\r\n",
		  method, target, (unsigned long long)disk_bytes);
	if (w.over)
		return RC_LIMIT;
	if (fd < 0 || !send_all(fd, wr_span(&w)))
		return RC_SYS;
	if (disk >= 0 && !send_disk(fd, disk))
		return RC_SYS;
	rc = read_answer(fd, out);
	if (rc)
		return rc;
	if (!out->n) /* it went away */
		return RC_SYS;
	if (!split_answer(buf_span(out), &status, body))
		return RC_MALFORMED;
	return status >= 200 && status < 300 ? RC_OK : RC_DENIED;
}

static enum rc load(const char *path, const char *disk, char *error)
{
	AUTO(mem_auto_close)
	int fd = -1;
	AUTO(buf_fini)
	struct buf answer = { 0 };
	struct span body = { 0 };
	char device[KERNEL_PATH_MAX];
	off_t bytes;
	enum rc rc;

	(void)snprintf(device, sizeof(device), "/dev/%s", disk);
	buf_init(&answer, ANSWER_MAX);
	fd = open(device, O_RDONLY | O_CLOEXEC);
	bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (bytes < 0 || lseek(fd, 0, SEEK_SET) != 0) {
		kernel_say(error, "images disk: %s", strerror(errno));
		return RC_SYS;
	}
	rc = ask(&answer, &body, path, "POST", "/v1.41/images/load?quiet=1", fd,
		 (uint64_t)bytes);
	if (!rc && !body.n) /* it went away */
		rc = RC_SYS;
	/* A mistake in the tar comes as a line of JSON in a good answer. */
	if (!rc && !memmem(body.p, body.n, "\"error\"", 7))
		return RC_OK;
	kernel_say(error, "images disk: the engine does not take it: %.*s",
		   (int)(body.n < 120 ? body.n : 120),
		   body.n ? (const char *)body.p : "no answer");
	return rc ? rc : RC_MALFORMED;
}

/* ---- what is there against what is listed ---- */

static void json_done(json_t **j)
{
	json_decref(*j);
}

static bool is_id(const struct sha256 *want, const char *id)
{
	static const char prefix[] = "sha256:";
	struct sha256 got;

	return id && strncmp(id, prefix, sizeof(prefix) - 1) == 0 &&
	       text_hex_decode(got.b, sizeof(got.b),
			       span_str(id + sizeof(prefix) - 1)) &&
	       span_equal(SPAN_ARRAY(got.b), SPAN_ARRAY(want->b));
}

static bool has_tag(const json_t *image, const char *name)
{
	const json_t *tags = json_object_get(image, "RepoTags");
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		const char *text = json_string_value(tag);

		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

static enum rc check_one(const json_t *there, const struct manifest_image *m,
			 char *error)
{
	const json_t *image;
	size_t i;

	json_array_foreach(there, i, image)
	{
		const char *id =
			json_string_value(json_object_get(image, "Id"));

		if (!has_tag(image, m->name))
			continue;
		if (is_id(&m->id, id))
			return RC_OK;
		kernel_say(error, "image %.100s: it is %.80s, not the one that "
				  "the manifest lists",
			   m->name, id ? id : "nameless");
		return RC_DENIED;
	}
	kernel_say(error, "image %.100s: the manifest lists it and it is not "
			  "there",
		   m->name);
	return RC_DENIED;
}

static json_t *read_images(struct span json)
{
	json_t *there = json_loadb((const char *)json.p, json.n,
				   JSON_REJECT_DUPLICATES, NULL);

	if (json_is_array(there))
		return there;
	json_decref(there);
	return NULL;
}

enum rc engine_check(struct span json, const struct manifest_launch *launch,
		     char *error)
{
	AUTO(json_done)
	json_t *there = json.n ? read_images(json) : NULL;

	if (!there) {
		kernel_say(error, "engine: its list of images is none");
		return RC_MALFORMED;
	}
	for (size_t i = 0; i < launch->image_count; i++) {
		enum rc rc = check_one(there, &launch->images[i], error);

		if (rc)
			return rc;
	}
	return RC_OK;
}

static bool is_listed(const struct manifest_launch *launch, const char *name)
{
	for (size_t i = 0; i < launch->image_count; i++)
		if (strcmp(launch->images[i].name, name) == 0)
			return true;
	return false;
}

static enum rc untag(const char *path, const char *name, char *error)
{
	AUTO(buf_fini)
	struct buf answer = { 0 };
	struct span body;
	char target[512];
	enum rc rc = RC_LIMIT;

	buf_init(&answer, ANSWER_MAX);
	if (snprintf(target, sizeof(target), "/v1.41/images/%s?noprune=1",
		     name) < (int)sizeof(target))
		rc = ask(&answer, &body, path, "DELETE", target, -1, 0);
	if (rc)
		kernel_say(error, "image %.100s: it is not listed, and the "
				  "engine keeps it",
			   name);
	return rc;
}

static enum rc untag_others(const char *path, struct span json,
			    const struct manifest_launch *launch, char *error)
{
	AUTO(json_done)
	json_t *there = json.n ? read_images(json) : NULL;
	const json_t *image, *tag;
	size_t i, j;

	json_array_foreach(there, i, image)
	{
		json_array_foreach(json_object_get(image, "RepoTags"), j, tag)
		{
			const char *name = json_string_value(tag);
			enum rc rc = RC_OK;

			if (name && strcmp(name, "<none>:<none>") != 0 &&
			    !is_listed(launch, name))
				rc = untag(path, name, error);
			if (rc)
				return rc;
		}
	}
	return RC_OK;
}

/* What GET /images/json answers. */
static enum rc list(struct buf *out, struct span *body, const char *path,
		    char *error)
{
	enum rc rc;

	buf_init(out, ANSWER_MAX);
	rc = ask(out, body, path, "GET", "/v1.41/images/json", -1, 0);
	if (rc)
		kernel_say(error, "engine: no list of images: %s", rc_name(rc));
	return rc;
}

/* What the engine kept on an encrypted disk was checked when it came there. */
static bool has_all(const char *path, const struct manifest_launch *launch)
{
	AUTO(buf_fini)
	struct buf answer = { 0 };
	struct span body = { 0 };
	char ignored[KERNEL_ERROR_MAX];

	return list(&answer, &body, path, ignored) == RC_OK &&
	       engine_check(body, launch, ignored) == RC_OK;
}

enum rc engine_load(const char *path, const char *disk,
		    const struct manifest_launch *launch, char *error)
{
	AUTO(buf_fini)
	struct buf answer = { 0 };
	struct span body = { 0 };
	enum rc rc = RC_OK;

	if (disk && !has_all(path, launch))
		rc = load(path, disk, error);
	if (!rc)
		rc = list(&answer, &body, path, error);
	if (!rc)
		rc = engine_check(body, launch, error);
	return rc ? rc : untag_others(path, body, launch, error);
}

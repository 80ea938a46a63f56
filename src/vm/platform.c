#include "vm/platform.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	LINE_MAX_BYTES = 8 * 1024,
	ARENA_MAX = 64 * 1024,
	TIMEOUT_S = 10,
	WORDS_MAX = 64, /* of the platform's answer, in a message */
};

static enum rc silent(char error[PLATFORM_ERROR_MAX], const char *control)
{
	(void)snprintf(error, PLATFORM_ERROR_MAX,
		       "the simulated platform does not answer at %.200s: %s",
		       control, strerror(errno));
	return RC_CLOSED;
}

/* Blocking, with a deadline for each step: it is our own program. */
static bool connect_to(int *fd, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = TIMEOUT_S };

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(a.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return *fd >= 0 &&
	       setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
			  sizeof(limit)) == 0 &&
	       setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
			  sizeof(limit)) == 0 &&
	       connect(*fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool read_line(struct buf *line, int fd)
{
	for (;;) {
		struct span have = buf_span(line);
		size_t room;
		uint8_t *space;
		ssize_t n;

		if (have.n && have.p[have.n - 1] == '\n')
			return true;
		space = buf_space(line, LINE_MAX_BYTES, &room);
		n = room ? recv(fd, space, room, 0) : 0;
		if (n <= 0) {
			if (n == 0)
				errno = ECONNRESET;
			return false;
		}
		buf_commit(line, (size_t)n);
	}
}

static enum rc judge(struct span line, char error[PLATFORM_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *root, *ok, *why;
	char words[4 * WORDS_MAX + 8] = "";
	struct wr w = wr_over(words, sizeof(words) - 1);

	arena_init(&arena, ARENA_MAX);
	root = jtree_read(&arena, line);
	ok = root ? jtree_get(root, "ok") : NULL;
	if (ok && ok->type == JTREE_BOOL && ok->is_true)
		return RC_OK;
	why = root ? jtree_get(root, "error") : NULL;
	if (why && why->type == JTREE_TEXT)
		text_escape(&w, why->text, WORDS_MAX);
	(void)snprintf(error, PLATFORM_ERROR_MAX, "the simulated platform: %s",
		       *words ? words : "an answer that it never gives");
	return RC_DENIED;
}

static enum rc ask(const char *control, const struct buf *question,
		   char error[PLATFORM_ERROR_MAX])
{
	AUTO(mem_auto_close)
	int fd = -1;
	AUTO(buf_fini)
	struct buf line = { 0 };
	struct span bytes = buf_span(question);

	buf_init(&line, LINE_MAX_BYTES);
	if (!connect_to(&fd, control) ||
	    send(fd, bytes.p, bytes.n, MSG_NOSIGNAL) != (ssize_t)bytes.n ||
	    !read_line(&line, fd))
		return silent(error, control);
	return judge(buf_span(&line), error);
}

/* Ends the question's line and asks it. */
static enum rc finish(const char *control, struct buf *question,
		      const struct jwrite *j, char error[PLATFORM_ERROR_MAX])
{
	if (!jwrite_done(j) || !buf_add(question, span_str("\n"))) {
		errno = E2BIG;
		return silent(error, control);
	}
	return ask(control, question, error);
}

enum rc platform_launch(const char *control, const struct platform_td *td,
			char error[PLATFORM_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf question = { 0 };
	struct jwrite j = jwrite_to(&question);

	buf_init(&question, LINE_MAX_BYTES);
	jwrite_object(&j, NULL);
	jwrite_object(&j, "launch");
	jwrite_str(&j, "name", td->name);
	jwrite_str(&j, "socket", td->socket);
	jwrite_str(&j, "image", td->image);
	jwrite_str(&j, "manifest", td->manifest);
	if (td->measured)
		jwrite_str(&j, "measured", td->measured);
	jwrite_bool(&j, "debug", false);
	jwrite_end(&j);
	jwrite_end(&j);
	return finish(control, &question, &j, error);
}

enum rc platform_stop(const char *control, const char *name,
		      char error[PLATFORM_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf question = { 0 };
	struct jwrite j = jwrite_to(&question);

	buf_init(&question, LINE_MAX_BYTES);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "stop", name);
	jwrite_end(&j);
	return finish(control, &question, &j, error);
}

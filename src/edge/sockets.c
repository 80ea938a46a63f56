#include "edge/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	BACKLOG = 4096,
};

void sockets_fini(struct sockets *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		(void)close(s->at[i].fd);
	free(s->at);
	*s = (struct sockets){ 0 };
}

void sockets_adopt(struct sockets *s, const struct sockets_entry *e)
{
	s->at = mem_grow(s->at, s->count + 1, sizeof(*s->at));
	s->at[s->count++] = *e;
}

static const char HTTP[] = "http:";

uint32_t sockets_id(uint32_t number, const char *text)
{
	bool is_plain = strncmp(text, HTTP, strlen(HTTP)) == 0;

	return is_plain ? number | SOCKETS_PLAIN : number;
}

bool sockets_is_plain(uint32_t id)
{
	return id & SOCKETS_PLAIN;
}

static bool holds(const struct sockets *s, uint32_t id)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->at[i].id == id)
			return true;
	return false;
}

/* Closes those of 'from' that 'kept' does not have. */
static void close_rest(struct sockets *from, const struct sockets *kept)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		if (!holds(kept, from->at[i].id))
			(void)close(from->at[i].fd);
	free(from->at);
	*from = (struct sockets){ 0 };
}

void sockets_replace(struct sockets *have, struct sockets *now)
{
	close_rest(have, now);
	*have = *now;
	*now = (struct sockets){ 0 };
}

void sockets_drop(struct sockets *made, const struct sockets *have)
{
	close_rest(made, have);
}

bool sockets_is_for(const struct sockets_entry *e, uint32_t worker,
		    uint32_t workers)
{
	return e->place == SOCKETS_SHARED || e->place % workers == worker;
}

/* How it is called, and whether each worker gets one. */
static bool describe(char text[SOCKETS_TEXT_MAX], const struct edge_listen *l,
		     const char *prefix)
{
	struct wr w = wr_over(text, SOCKETS_TEXT_MAX - 1);

	wr_str(&w, prefix);
	if (l->is_inherited)
		wr_printf(&w, "inherit:%u", l->index);
	else
		sock_addr_write(&w, &l->address);
	text[w.n] = '\0';
	if (l->is_inherited)
		return false;
	switch (l->address.sa.sa_family) {
	case AF_INET:
		return l->address.in.sin_port != 0;
	case AF_INET6:
		return l->address.in6.sin6_port != 0;
	default:
		return false;
	}
}

/* Copies what 'have' has under that name; how many there were. */
static size_t keep(struct sockets *out, const struct sockets *have,
		   const char *text)
{
	size_t i, n = 0;

	for (i = 0; i < have->count; i++) {
		if (strcmp(have->at[i].text, text) != 0)
			continue;
		sockets_adopt(out, &have->at[i]);
		n++;
	}
	return n;
}

static void add(struct sockets *out, const char *text, uint32_t place, int fd,
		uint32_t *next_id)
{
	struct sockets_entry e = { .id = sockets_id((*next_id)++, text),
				   .place = place,
				   .fd = fd };

	(void)snprintf(e.text, sizeof(e.text), "%s", text);
	sockets_adopt(out, &e);
}

static enum rc open_shared(struct sockets *out, const char *text,
			   const struct edge_listen *l, uint32_t *next_id)
{
	enum rc rc;
	int fd;

	if (l->is_inherited)
		rc = sock_inherited(&fd, l->index);
	else
		rc = sock_listen(&fd, &l->address, BACKLOG);
	if (!rc)
		add(out, text, SOCKETS_SHARED, fd, next_id);
	return rc;
}

/* From 'had' sockets of the group to 'want'. */
static enum rc open_group(struct sockets *out, const char *text,
			  const struct edge_listen *l, size_t had, size_t want,
			  uint32_t *next_id)
{
	int fds[EDGE_WORKERS_MAX];
	enum rc rc = RC_OK;
	size_t i;

	if (had == 0) {
		rc = sock_listen_group(fds, want, &l->address, BACKLOG);
		for (i = 0; i < want && !rc; i++)
			add(out, text, (uint32_t)i, fds[i], next_id);
		return rc;
	}
	for (i = had; i < want && !rc; i++) {
		rc = sock_listen_more(&fds[i], &l->address, BACKLOG);
		if (!rc)
			add(out, text, (uint32_t)i, fds[i], next_id);
	}
	return rc;
}

/* All of one list; text[] is the last one tried. */
static enum rc make_list(struct sockets *made, char text[SOCKETS_TEXT_MAX],
			 const struct sockets *have,
			 const struct edge_config *config, bool is_plain,
			 uint32_t *next_id)
{
	const struct conf_list *list = is_plain ? &config->http.listen
						: &config->listen;
	const struct edge_listen *l = list->items;
	enum rc rc = RC_OK;
	size_t i, had;

	for (i = 0; i < list->count && !rc; i++, l++) {
		bool is_group = describe(text, l, is_plain ? HTTP : "");

		had = keep(made, have, text);
		if (is_group)
			rc = open_group(made, text, l, had, config->workers,
					next_id);
		else if (had == 0)
			rc = open_shared(made, text, l, next_id);
	}
	return rc;
}

enum rc sockets_make(struct sockets *out, const struct sockets *have,
		     const struct edge_config *config, uint32_t *next_id,
		     char error[SOCKETS_ERROR_MAX])
{
	struct sockets made = { 0 };
	char text[SOCKETS_TEXT_MAX];
	enum rc rc = make_list(&made, text, have, config, false, next_id);

	if (!rc)
		rc = make_list(&made, text, have, config, true, next_id);
	if (rc) {
		(void)snprintf(error, SOCKETS_ERROR_MAX, "listen: %s: %s", text,
			       strerror(errno));
		sockets_drop(&made, have);
		return rc;
	}
	*out = made;
	return RC_OK;
}

#include "edge/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	ARENA_MAX = 4 * 1024 * 1024,
	ANCHORS_MAX = 64 * 1024, /* bytes */
};

static enum rc load_config(struct setup *s, struct files *files,
			   const char *path, char error[SETUP_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	enum rc rc;

	buf_init(&text, CONF_FILE_MAX);
	rc = files_read(files, &text, path);
	if (!rc)
		return edge_config_parse(&s->config, &s->arena, path,
					 buf_span(&text), error);
	(void)snprintf(error, SETUP_ERROR_MAX, "%s: %s", path,
		       file_why(rc));
	return rc;
}

static enum rc load_anchors(struct setup *s, struct files *files,
			    char error[SETUP_ERROR_MAX])
{
	const char *path = s->config.dns.anchor;
	enum rc rc;

	buf_init(&s->anchors, ANCHORS_MAX);
	if (!path)
		return RC_OK;
	rc = files_read(files, &s->anchors, path);
	if (rc)
		(void)snprintf(error, SETUP_ERROR_MAX, "%s: %s", path,
			       file_why(rc));
	return rc;
}

enum rc setup_load(struct setup **out, struct files *files, const char *path,
		   char error[SETUP_ERROR_MAX])
{
	struct setup *s = mem_new(sizeof(*s));
	enum rc rc;

	arena_init(&s->arena, ARENA_MAX);
	rc = load_config(s, files, path, error);
	if (!rc)
		rc = certs_load(&s->certs, files, &s->config, path, error);
	if (!rc)
		rc = terms_load(&s->terms, files, &s->config, path, error);
	if (!rc)
		rc = backends_load(&s->backends, &s->config, path, error);
	if (!rc)
		rc = load_anchors(s, files, error);
	if (rc) {
		setup_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void setup_free(struct setup *s)
{
	if (!s)
		return;
	certs_fini(&s->certs);
	terms_fini(&s->terms);
	backends_fini(&s->backends);
	buf_fini(&s->anchors);
	arena_fini(&s->arena);
	free(s);
}

static bool is_same_servers(const struct conf_list *a,
			    const struct conf_list *b)
{
	const struct sock_addr *of_a = a->items, *of_b = b->items;
	size_t i;

	for (i = 0; i < a->count && i < b->count; i++)
		if (!sock_addr_equal(&of_a[i], &of_b[i]))
			return false;
	return a->count == b->count;
}

static bool is_same_dns(const struct edge_dns *a, const struct edge_dns *b)
{
	return is_same_servers(&a->servers, &b->servers) &&
	       a->require_dnssec == b->require_dnssec &&
	       a->timeout == b->timeout && a->ttl_max == b->ttl_max &&
	       a->names == b->names && a->asking == b->asking;
}

static bool is_same_tunnel(const struct edge_tunnel *a,
			   const struct edge_tunnel *b)
{
	return a->bits == b->bits &&
	       span_equal(SPAN_ARRAY(a->own), SPAN_ARRAY(b->own));
}

const char *setup_obstacle(const struct setup *from, const struct setup *to)
{
	const struct edge_config *a = &from->config, *b = &to->config;

	if (a->workers != b->workers)
		return "workers";
	if (strcmp(a->store, b->store) != 0)
		return "store";
	if (strcmp(a->admin, b->admin) != 0)
		return "admin";
	if (strcmp(a->metrics, b->metrics) != 0)
		return "metrics";
	if (a->admin_uid != b->admin_uid)
		return "admin_uid";
	if (strcmp(a->pid_file, b->pid_file) != 0)
		return "pid_file";
	/* What is on its way was promised room by the old one. */
	if (a->limits.buffer != b->limits.buffer)
		return "limits.buffer";
	/* Connections are on their way within it. */
	if (!is_same_tunnel(&a->tunnel, &b->tunnel))
		return "tunnel";
	if (!is_same_dns(&a->dns, &b->dns))
		return "dns";
	return NULL;
}

#include "edge/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "sni/name.h"

enum {
	MS = 1,
	SECOND = 1000 * MS,
	MINUTE = 60 * SECOND,
	DAY = 24 * 60 * MINUTE,
};

enum {
	/* So many sources it takes at least to hold every connection, unless
	 * the operator says otherwise. */
	SOURCES_FOR_ALL = 16,
};

#define ADDRESS "an address such as 192.0.2.1:443 or unix:/path"

static bool check_base(void *out, const char *text, struct arena *arena)
{
	(void)out, (void)arena;
	return name_is_base(span_str(text));
}

static bool check_address(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	return sock_addr_parse(out, span_str(text));
}

static bool check_listen(void *out, const char *text, struct arena *arena)
{
	const struct span prefix = span_str("inherit:");
	struct edge_listen l = { 0 };
	struct span s = span_str(text);
	uint64_t index;

	(void)arena;
	if (span_has_prefix(s, prefix)) {
		if (!rd_skip(&s, prefix.n) || !text_u64(&index, s, 255))
			return false;
		l.is_inherited = true;
		l.index = (unsigned)index;
	} else if (!sock_addr_parse(&l.address, s)) {
		return false;
	}
	memcpy(out, &l, sizeof(l));
	return true;
}

static const struct conf_field listen_element = {
	.type = CONF_CUSTOM,
	.size = sizeof(struct edge_listen),
	.check = check_listen,
	.expected = ADDRESS ", or inherit:0",
};

#define FILE_NAME(k) \
	{ \
		.key = #k, .type = CONF_STRING, .is_required = true, \
		.offset = offsetof(struct edge_certificate, k), .min = 1 \
	}
#define TIME(k) \
	{ \
		.key = #k, .type = CONF_MS, \
		.offset = offsetof(struct edge_timeouts, k), \
		.min = MS, .max = DAY \
	}
#define LIMIT(k, least, most) \
	{ \
		.key = #k, .type = CONF_U64, \
		.offset = offsetof(struct edge_limits, k), \
		.min = (least), .max = (most) \
	}
#define SOCKET(k) \
	{ \
		.key = #k, .type = CONF_CUSTOM, \
		.offset = offsetof(struct edge_config, k), \
		.check = check_address, .expected = ADDRESS \
	}

static const struct conf_field certificate_fields[] = {
	FILE_NAME(chain),
	FILE_NAME(key),
	{ 0 },
};

static const struct conf_field timeout_fields[] = {
	TIME(hello),
	TIME(handshake),
	TIME(request),
	TIME(connect),
	TIME(idle),
	TIME(half_closed),
	TIME(drain),
	{ 0 },
};

static const struct conf_field limit_fields[] = {
	LIMIT(connections, 1, EDGE_CONNECTIONS_MAX),
	LIMIT(per_source, 1, EDGE_CONNECTIONS_MAX),
	LIMIT(buffer, EDGE_BUFFER_MIN, EDGE_BUFFER_MAX),
	{ 0 },
};

static const char *const log_levels[] = { "error", "warn", "info", "debug",
					  NULL };

static const struct conf_field fields[] = {
	{ .key = "base",
	  .type = CONF_STRING,
	  .offset = offsetof(struct edge_config, base),
	  .is_required = true,
	  .check = check_base,
	  .expected = "a domain in lower case, such as example.net" },
	{ .key = "listen",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_config, listen),
	  .is_required = true,
	  .min = 1,
	  .max = EDGE_LISTEN_MAX,
	  .element = &listen_element },
	{ .key = "store",
	  .type = CONF_STRING,
	  .offset = offsetof(struct edge_config, store),
	  .min = 1 },
	{ .key = "certificate",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, certificate),
	  .fields = certificate_fields },
	SOCKET(registrar),
	SOCKET(status),
	{ .key = "timeouts",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, timeouts),
	  .fields = timeout_fields },
	{ .key = "limits",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, limits),
	  .fields = limit_fields },
	{ .key = "log",
	  .type = CONF_ENUM,
	  .offset = offsetof(struct edge_config, log),
	  .names = log_levels },
	{ 0 },
};

static struct sock_addr address_of(const char *text)
{
	struct sock_addr a = { 0 };

	(void)sock_addr_parse(&a, span_str(text)); /* a constant of ours */
	return a;
}

static struct edge_config defaults(void)
{
	return (struct edge_config){
		.store = "/var/lib/postern/store",
		.certificate = { .chain = "/etc/postern/tls/chain.pem",
				 .key = "/etc/postern/tls/key.pem" },
		.registrar = address_of("unix:/run/postern/registrar.sock"),
		.status = address_of("unix:/run/postern/status.sock"),
		.timeouts = { .hello = 10 * SECOND,
			      .handshake = 10 * SECOND,
			      .request = 30 * SECOND,
			      .connect = 5 * SECOND,
			      .idle = 10 * MINUTE,
			      .half_closed = MINUTE,
			      .drain = 10 * SECOND },
		.limits = { .connections = 8192,
			    .buffer = EDGE_BUFFER_MAX },
		.log = LOG_INFO,
	};
}

enum rc edge_config_read(struct edge_config *out, struct arena *arena,
			 const char *path, char error[CONF_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct edge_config c = defaults();
	enum rc rc;

	buf_init(&text, CONF_FILE_MAX);
	rc = file_read(&text, path);
	if (rc) {
		(void)snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
			       file_why(rc));
		return rc;
	}
	rc = conf_read(&c, fields, arena, path, buf_span(&text), error);
	if (rc)
		return rc;
	if (c.limits.per_source == 0)
		c.limits.per_source =
			(c.limits.connections + SOURCES_FOR_ALL - 1) /
			SOURCES_FOR_ALL;
	*out = c;
	return RC_OK;
}

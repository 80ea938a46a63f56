#include "edge/config.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "edge/front.h"
#include "edge/names.h"
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
	SOURCE_RATE = 1000,
	PATH_LEN_MAX = 100, /* of a unix socket, with room for a suffix */
	/* Names looked up at a time, where so many are kept. */
	DNS_ASKING = 128,
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

static bool check_server(void *out, const char *text, struct arena *arena)
{
	struct sock_addr a = { 0 };

	(void)arena;
	if (!sock_addr_parse(&a, span_str(text)) || a.sa.sa_family == AF_UNIX)
		return false;
	memcpy(out, &a, sizeof(a));
	return true;
}

/* 10.88.0.1/16 */
static bool check_tunnel(void *out, const char *text, struct arena *arena)
{
	struct span s = span_str(text), address;
	char own[INET_ADDRSTRLEN] = "";
	struct edge_tunnel t;
	uint64_t bits;

	(void)arena;
	if (!rd_until(&s, &address, '/') || address.n >= sizeof(own) ||
	    !text_u64(&bits, s, 30) || bits == 0)
		return false;
	memcpy(own, address.p, address.n);
	if (inet_pton(AF_INET, own, t.own) != 1)
		return false;
	t.bits = (unsigned)bits;
	memcpy(out, &t, sizeof(t));
	return true;
}

/* Waiting names are among those kept. */
static bool check_dns(void *out, const char *text, struct arena *arena)
{
	const struct edge_dns *d = out;

	(void)text, (void)arena;
	return (d->asking == 0 || d->asking < d->names) &&
	       (d->anchor || !d->require_dnssec);
}

static const struct conf_field server_element = {
	.type = CONF_CUSTOM,
	.size = sizeof(struct sock_addr),
	.check = check_server,
	.expected = "an address such as 192.0.2.53:53",
};

static const struct conf_field listen_element = {
	.type = CONF_CUSTOM,
	.size = sizeof(struct edge_listen),
	.check = check_listen,
	.expected = ADDRESS ", or inherit:0",
};

static bool check_front(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	return front_parse(out, span_str(text));
}

static const struct conf_field front_element = {
	.type = CONF_CUSTOM,
	.size = sizeof(struct front),
	.check = check_front,
	.expected = "addresses such as 192.0.2.0/24",
};

static const struct conf_field proxy_protocol_fields[] = {
	{ .key = "from",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_proxy_protocol, from),
	  .is_required = true,
	  .min = 1,
	  .max = EDGE_FRONTS_MAX,
	  .element = &front_element },
	{ 0 },
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
#define PATH(k) \
	{ \
		.key = #k, .type = CONF_STRING, \
		.offset = offsetof(struct edge_config, k), \
		.max = PATH_LEN_MAX \
	}
#define SOCKET(k) \
	{ \
		.key = #k, .type = CONF_CUSTOM, \
		.offset = offsetof(struct edge_config, k), \
		.check = check_address, .expected = ADDRESS \
	}

#define DNS(k, kind, least, most) \
	{ \
		.key = #k, .type = kind, \
		.offset = offsetof(struct edge_dns, k), \
		.min = (least), .max = (most) \
	}

static const struct conf_field dns_fields[] = {
	{ .key = "servers",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_dns, servers),
	  .is_required = true,
	  .min = 1,
	  .max = EDGE_DNS_SERVERS_MAX,
	  .element = &server_element },
	DNS(anchor, CONF_STRING, 1, 0),
	DNS(require_dnssec, CONF_BOOL, 0, 0),
	DNS(timeout, CONF_MS, MS, MINUTE),
	DNS(ttl_max, CONF_MS, 5 * SECOND, DAY),
	DNS(names, CONF_U64, 16, EDGE_CONNECTIONS_MAX),
	DNS(asking, CONF_U64, 1, 1024),
	{ 0 },
};

static const struct conf_field certificate_fields[] = {
	FILE_NAME(chain),
	FILE_NAME(key),
	{ 0 },
};

static const struct conf_field certificate_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct edge_certificate),
	.fields = certificate_fields,
	.has_line = true,
	.line_offset = offsetof(struct edge_certificate, line),
};

static bool check_socket(void *out, const char *text, struct arena *arena)
{
	char address[PATH_LEN_MAX + sizeof("unix:")];
	struct sock_addr a = { 0 };

	(void)arena;
	if (strlen(text) > PATH_LEN_MAX)
		return false;
	(void)snprintf(address, sizeof(address), "unix:%s", text);
	if (text[0] != '/' || !sock_addr_parse(&a, span_str(address)))
		return false;
	memcpy(out, &a, sizeof(a));
	return true;
}

static const struct conf_field cert_fields[] = {
	{ .key = "keys",
	  .type = CONF_STRING,
	  .offset = offsetof(struct edge_cert, keys),
	  .is_required = true,
	  .min = 1,
	  .max = PATH_LEN_MAX },
	{ .key = "public",
	  .type = CONF_CUSTOM,
	  .offset = offsetof(struct edge_cert, public),
	  .check = check_socket,
	  .expected = "the path of a unix socket" },
	{ 0 },
};

static bool check_name(void *out, const char *text, struct arena *arena)
{
	(void)out, (void)arena;
	return names_is_pattern(span_str(text));
}

static bool check_terms(void *out, const char *text, struct arena *arena)
{
	const struct edge_name *n = out;

	(void)text, (void)arena;
	return (n->client_ca != NULL) ==
	       (n->client_certificate != EDGE_CERTIFICATE_NONE);
}

static const char *const client_certificates[] = {
	[EDGE_CERTIFICATE_NONE] = "none",
	[EDGE_CERTIFICATE_REQUIRED] = "required",
	[EDGE_CERTIFICATE_OPTIONAL] = "optional",
	NULL,
};

#define NAME(k, kind) \
	.key = #k, .type = (kind), .offset = offsetof(struct edge_name, k)

static const struct conf_field name_fields[] = {
	{ NAME(name, CONF_STRING),
	  .is_required = true,
	  .check = check_name,
	  .expected = "a host name in lower case, or *. and one" },
	{ NAME(tls12, CONF_BOOL) },
	{ NAME(client_ca, CONF_STRING), .min = 1 },
	{ NAME(client_certificate, CONF_ENUM), .names = client_certificates },
	{ 0 },
};

static const struct conf_field name_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct edge_name),
	.fields = name_fields,
	.check = check_terms,
	.expected = "client_ca and client_certificate together",
	.has_line = true,
	.line_offset = offsetof(struct edge_name, line),
};

static const struct conf_field backend_name_element = {
	.type = CONF_STRING,
	.size = sizeof(const char *),
	.check = check_name,
	.expected = "a host name in lower case, or *. and one",
};

static const char *const backend_proxies[] = { "none", "v1", "v2", NULL };
static const char *const backend_alpns[] = {
	[EDGE_BACKEND_HTTP1] = "http/1.1",
	[EDGE_BACKEND_H2] = "h2",
	[EDGE_BACKEND_NONE] = "none",
	NULL,
};

#define BACKEND(k, kind) \
	.key = #k, .type = (kind), .offset = offsetof(struct edge_backend, k)

static const struct conf_field backend_fields[] = {
	{ BACKEND(names, CONF_LIST),
	  .is_required = true,
	  .min = 1,
	  .max = EDGE_BACKEND_NAMES_MAX,
	  .element = &backend_name_element },
	{ BACKEND(to, CONF_CUSTOM),
	  .is_required = true,
	  .check = check_address,
	  .expected = ADDRESS },
	{ BACKEND(proxy, CONF_ENUM), .names = backend_proxies },
	{ BACKEND(alpn, CONF_ENUM), .names = backend_alpns },
	{ BACKEND(forwarded, CONF_BOOL) },
	{ 0 },
};

static const struct conf_field backend_element = {
	.type = CONF_STRUCT,
	.size = sizeof(struct edge_backend),
	.fields = backend_fields,
	.has_line = true,
	.line_offset = offsetof(struct edge_backend, line),
};

static const struct conf_field http_fields[] = {
	{ .key = "listen",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_http, listen),
	  .is_required = true,
	  .min = 1,
	  .max = EDGE_LISTEN_MAX,
	  .element = &listen_element },
	{ .key = "port",
	  .type = CONF_U64,
	  .offset = offsetof(struct edge_http, port),
	  .min = 1,
	  .max = UINT16_MAX },
	{ 0 },
};

static const struct conf_field timeout_fields[] = {
	TIME(hello),
	TIME(handshake),
	TIME(request),
	TIME(connect),
	TIME(race),
	TIME(idle),
	TIME(half_closed),
	TIME(drain),
	{ 0 },
};

static const struct conf_field limit_fields[] = {
	LIMIT(connections, 1, EDGE_CONNECTIONS_MAX),
	LIMIT(per_source, 1, EDGE_CONNECTIONS_MAX),
	LIMIT(per_app, 1, EDGE_CONNECTIONS_MAX),
	LIMIT(source_rate, 0, EDGE_CONNECTIONS_MAX),
	LIMIT(app_rate, 0, EDGE_CONNECTIONS_MAX),
	LIMIT(memory, 0, 0),
	{ .key = "lag",
	  .type = CONF_MS,
	  .offset = offsetof(struct edge_limits, lag),
	  .max = MINUTE },
	LIMIT(buffer, EDGE_BUFFER_MIN, EDGE_BUFFER_MAX),
	{ 0 },
};

static const char *const log_levels[] = { "error", "warn", "info", "debug",
					  NULL };

static const char *const log_formats[] = { "text", "json", NULL };

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
	{ .key = "http",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, http),
	  .fields = http_fields },
	{ .key = "store",
	  .type = CONF_STRING,
	  .offset = offsetof(struct edge_config, store) },
	{ .key = "certificate",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, certificate),
	  .fields = certificate_fields,
	  .has_line = true,
	  .line_offset = offsetof(struct edge_certificate, line) },
	{ .key = "certificates",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_config, certificates),
	  .max = EDGE_CERTIFICATES_MAX,
	  .element = &certificate_element },
	{ .key = "cert",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, cert),
	  .fields = cert_fields },
	{ .key = "names",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_config, names),
	  .max = EDGE_NAMES_MAX,
	  .element = &name_element },
	{ .key = "backends",
	  .type = CONF_LIST,
	  .offset = offsetof(struct edge_config, backends),
	  .max = EDGE_BACKENDS_MAX,
	  .element = &backend_element },
	{ .key = "workers",
	  .type = CONF_U64,
	  .offset = offsetof(struct edge_config, workers),
	  .min = 1,
	  .max = EDGE_WORKERS_MAX },
	PATH(admin),
	PATH(metrics),
	PATH(pid_file),
	{ .key = "admin_uid",
	  .type = CONF_U64,
	  .offset = offsetof(struct edge_config, admin_uid),
	  .max = UINT32_MAX - 1 },
	SOCKET(registrar),
	SOCKET(status),
	{ .key = "proxy_protocol",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, proxy_protocol),
	  .fields = proxy_protocol_fields },
	{ .key = "timeouts",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, timeouts),
	  .fields = timeout_fields },
	{ .key = "limits",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, limits),
	  .fields = limit_fields },
	{ .key = "default",
	  .type = CONF_STRING,
	  .offset = offsetof(struct edge_config, default_name),
	  .check = check_base,
	  .expected = "a host name in lower case" },
	{ .key = "tunnel",
	  .type = CONF_CUSTOM,
	  .offset = offsetof(struct edge_config, tunnel),
	  .check = check_tunnel,
	  .expected = "the gateway's address and network, such as "
		      "10.88.0.1/16" },
	{ .key = "dns",
	  .type = CONF_STRUCT,
	  .offset = offsetof(struct edge_config, dns),
	  .fields = dns_fields,
	  .check = check_dns,
	  .expected = "names above asking, and an anchor with "
		      "require_dnssec" },
	{ .key = "log",
	  .type = CONF_ENUM,
	  .offset = offsetof(struct edge_config, log),
	  .names = log_levels },
	{ .key = "log_format",
	  .type = CONF_ENUM,
	  .offset = offsetof(struct edge_config, log_format),
	  .names = log_formats },
	{ 0 },
};

static struct sock_addr address_of(const char *text)
{
	struct sock_addr a = { 0 };

	(void)sock_addr_parse(&a, span_str(text)); /* a constant of ours */
	return a;
}

/* One a CPU that we may run on. */
static uint64_t count_workers(void)
{
	cpu_set_t cpus;
	int n = 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	return n > EDGE_WORKERS_MAX ? EDGE_WORKERS_MAX : (uint64_t)n;
}

static struct edge_config defaults(void)
{
	return (struct edge_config){
		.http = { .port = 443 },
		.store = "/var/lib/postern/store",
		.certificate = { .chain = "/etc/postern/tls/chain.pem",
				 .key = "/etc/postern/tls/key.pem" },
		.registrar = address_of("unix:/run/postern/registrar.sock"),
		.status = address_of("unix:/run/postern/status.sock"),
		.timeouts = { .hello = 10 * SECOND,
			      .handshake = 10 * SECOND,
			      .request = 30 * SECOND,
			      .connect = 5 * SECOND,
			      .race = 250 * MS,
			      .idle = 10 * MINUTE,
			      .half_closed = MINUTE,
			      .drain = 10 * SECOND },
		.limits = { .connections = 8192,
			    .source_rate = SOURCE_RATE,
			    .lag = SECOND / 2,
			    .buffer = EDGE_BUFFER_MAX },
		.workers = count_workers(),
		.admin = "",
		.metrics = "",
		.pid_file = "",
		.dns = { .timeout = 3 * SECOND,
			 .ttl_max = 5 * MINUTE,
			 .names = 4096 },
		.log = LOG_INFO,
	};
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool edge_config_has_default(const struct edge_config *c)
{
	return c->certificate.line != 0 || !c->cert.keys;
}

bool edge_config_is_front(const struct edge_config *c,
			  const struct sock_addr *a)
{
	const struct front *fronts = c->proxy_protocol.from.items;

	for (size_t i = 0; i < c->proxy_protocol.from.count; i++)
		if (front_has(&fronts[i], a))
			return true;
	return false;
}

void edge_config_complain(char error[EDGE_ERROR_MAX],
			  const struct edge_place *place, const char *what,
			  const char *why)
{
	char line[24] = "";

	if (place->line)
		(void)snprintf(line, sizeof(line), ":%llu",
			       (unsigned long long)place->line);
	(void)snprintf(error, EDGE_ERROR_MAX, "%s%s: %s: %s: %s", place->path,
		       line, place->key, what, why);
}

enum rc edge_config_parse(struct edge_config *out, struct arena *arena,
			  const char *name, struct span text,
			  char error[CONF_ERROR_MAX])
{
	struct edge_config c = defaults();
	struct edge_limits *l = &c.limits;
	enum rc rc = conf_read(&c, fields, arena, name, text, error);

	if (rc)
		return rc;
	if (l->per_source == 0)
		l->per_source = (l->connections + SOURCES_FOR_ALL - 1) /
				SOURCES_FOR_ALL;
	if (l->per_app == 0)
		l->per_app = l->connections - l->connections / 4;
	if (c.dns.asking == 0)
		c.dns.asking = least(c.dns.names / 2, DNS_ASKING);
	*out = c;
	return RC_OK;
}

enum rc edge_config_read(struct edge_config *out, struct arena *arena,
			 const char *path, char error[CONF_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	enum rc rc;

	buf_init(&text, CONF_FILE_MAX);
	rc = file_read(&text, path);
	if (!rc)
		return edge_config_parse(out, arena, path, buf_span(&text),
					 error);
	(void)snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
		       file_why(rc));
	return rc;
}

#include "compose/compose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "compose/ytree.h"

enum {
	WORD_MAX = 96, /* of the file's words in a message */
	PORT_HTTPS = 443,
};

/* The file being read, and the first mistake in it. */
struct reader {
	struct compose out;
	struct arena *arena;
	const char *file;
	char *error;
	enum rc rc;
};

__attribute__((format(printf, 4, 5))) static void
refuse(struct reader *r, enum rc rc, size_t line, const char *format, ...)
{
	char what[COMPOSE_ERROR_MAX];
	va_list ap;

	if (r->rc)
		return;
	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	r->rc = rc;
	(void)snprintf(r->error, COMPOSE_ERROR_MAX, "%.200s:%zu: %.290s",
		       r->file, line, what);
}

/* Somebody else's words, safe to print. */
struct word {
	char text[4 * WORD_MAX + 8];
};

static struct word shown(struct span s)
{
	struct word word = { "" };
	struct wr w = wr_over(word.text, sizeof(word.text) - 1);

	text_escape(&w, s, WORD_MAX);
	return word;
}

static const char *copy(struct reader *r, const struct ytree *node)
{
	const char *text = arena_dup(r->arena, node->text);

	if (!text)
		refuse(r, RC_LIMIT, node->line, "the file is too large");
	return text ? text : "";
}

/* Keys of a service that reach out of its container. */

/* The sockets that the guest has for its containers. */
static bool is_guest_socket(struct span path)
{
	static const char *const sockets[] = {
		"/run/postern.sock",
		"/var/run/postern.sock",
		"/var/run/dstack.sock",
		"/var/run/tappd.sock",
	};

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		if (span_equal_str(path, sockets[i]))
			return true;
	}
	return false;
}

static void check_source(struct reader *r, struct span source, size_t line)
{
	if (source.n == 0 || is_guest_socket(source))
		return;
	/* A path rather than a volume's name (Compose: it has a '/' or '~' or
	 * '.' in front; '$' may turn into any). */
	if (strchr("./~\\$", source.p[0]))
		refuse(r, RC_UNSUPPORTED, line,
		       "volumes: '%s' is of the host; a CVM has named volumes",
		       shown(source).text);
	r->out.has_volumes = true;
}

/* "data:/var/lib/x", "/srv:/srv:ro", "/anonymous". */
static void check_short_volume(struct reader *r, const struct ytree *node)
{
	struct span rest = node->text, source;

	if (!memchr(rest.p, ':', rest.n)) {
		r->out.has_volumes = true; /* without a name */
		return;
	}
	if (rd_until(&rest, &source, ':'))
		check_source(r, source, node->line);
}

static void check_long_volume(struct reader *r, const struct ytree *node)
{
	const struct ytree *type = ytree_get(node, "type");
	const struct ytree *source = ytree_get(node, "source");
	bool is_bind = ytree_is(type, "bind");

	if (ytree_is(type, "tmpfs"))
		return;
	if (!is_bind && type && !ytree_is(type, "volume")) {
		refuse(r, RC_UNSUPPORTED, node->line,
		       "volumes: type is volume, tmpfs or, of the guest's "
		       "sockets, bind");
		return;
	}
	if (!source)
		source = ytree_get(node, "src");
	if (source && source->type != YTREE_SCALAR)
		refuse(r, RC_MALFORMED, source->line, "volumes: a source is "
						      "a text");
	else if (is_bind && (!source || !is_guest_socket(source->text)))
		refuse(r, RC_UNSUPPORTED, node->line,
		       "volumes: this binds a path of the host; a CVM has "
		       "named volumes");
	else if (source)
		check_source(r, source->text, source->line);
}

static void check_volumes(struct reader *r, const struct ytree *service)
{
	const struct ytree *volumes = ytree_get(service, "volumes");

	if (ytree_is_null(volumes))
		return;
	if (volumes->type != YTREE_LIST) {
		refuse(r, RC_MALFORMED, volumes->line, "volumes: a list");
		return;
	}
	for (const struct ytree_item *i = volumes->first; i; i = i->next) {
		if (i->value->type == YTREE_SCALAR && i->value->text.n)
			check_short_volume(r, i->value);
		else if (i->value->type == YTREE_MAP)
			check_long_volume(r, i->value);
		else
			refuse(r, RC_MALFORMED, i->value->line,
			       "volumes: a text or a map");
	}
}

static void check_network_mode(struct reader *r, const struct ytree *service)
{
	const struct ytree *mode = ytree_get(service, "network_mode");

	if (ytree_is_null(mode) || ytree_is(mode, "none") ||
	    ytree_is(mode, "bridge"))
		return;
	if (mode->type == YTREE_SCALAR &&
	    span_has_prefix(mode->text, span_str("service:")))
		return;
	refuse(r, RC_UNSUPPORTED, mode->line,
	       "network_mode: none, bridge or service:NAME; the firewall "
	       "holds for containers' networks alone");
}

static void check_spaces(struct reader *r, const struct ytree *service)
{
	static const char *const keys[] = { "pid", "ipc", "uts",
					    "userns_mode", "cgroup", "net" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct ytree *node = ytree_get(service, keys[i]);

		if (ytree_is(node, "host"))
			refuse(r, RC_UNSUPPORTED, node->line,
			       "%s: host: containers keep to themselves",
			       keys[i]);
	}
}

static bool is_empty(const struct ytree *node)
{
	return ytree_is_null(node) ||
	       (node->type != YTREE_SCALAR && node->count == 0);
}

/* Keys that may not be there at all, or not with anything in them. */
static void check_absent(struct reader *r, const struct ytree *service)
{
	static const struct {
		const char *key, *why;
	} rows[] = {
		{ "devices", "a CVM's devices are its own" },
		{ "device_cgroup_rules", "a CVM's devices are its own" },
		{ "env_file", "only the compose file is measured; set "
			      "environment, or `postern secret`" },
		{ "extends", "only this one file is measured" },
		{ "external_links", "nothing is there but the app" },
		{ "volumes_from", "name volumes instead" },
		{ "volume_driver", "volumes lie on the sealed disk" },
		{ "runtime", "the guest has one runtime" },
		{ "cgroup_parent", "the guest arranges its own groups" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ytree *node = ytree_get(service, rows[i].key);

		if (!is_empty(node))
			refuse(r, RC_UNSUPPORTED, node->line, "%s: %s",
			       rows[i].key, rows[i].why);
	}
}

static void check_privileged(struct reader *r, const struct ytree *service)
{
	const struct ytree *node = ytree_get(service, "privileged");

	if (ytree_is_null(node) ||
	    (node->type == YTREE_SCALAR &&
	     (span_equal_nocase(node->text, span_str("false")) ||
	      span_equal_nocase(node->text, span_str("no")))))
		return;
	refuse(r, RC_UNSUPPORTED, node->line,
	       "privileged: such a container could take the guest apart");
}

/* Images. */

static void add_image(struct reader *r, const struct ytree *image)
{
	for (size_t i = 0; i < r->out.image_count; i++) {
		if (span_equal_str(image->text, r->out.images[i]))
			return;
	}
	/* There are no more than services. */
	r->out.images[r->out.image_count++] = copy(r, image);
}

static bool is_reference(struct span s)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-/:";

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == 0 || !strchr(allowed, s.p[i]))
			return false;
	}
	return s.n >= 1 && s.n <= 255 && s.p[0] != '-';
}

static void check_image(struct reader *r, const struct ytree_item *service)
{
	const struct ytree *image = ytree_get(service->value, "image");
	const struct ytree *build = ytree_get(service->value, "build");

	if (ytree_is_null(image)) {
		refuse(r, RC_UNSUPPORTED, build ? build->line : service->line,
		       "%s: name an image; the guest builds nothing",
		       shown(service->key).text);
		return;
	}
	if (image->type != YTREE_SCALAR || !is_reference(image->text)) {
		refuse(r, RC_MALFORMED, image->line,
		       "image: a name and tag; its digest is measured without "
		       "standing here");
		return;
	}
	add_image(r, image);
}

/* Ports. */

static void add_port(struct reader *r, struct span number, size_t line)
{
	struct compose *c = &r->out;
	uint64_t port;

	if (!text_u64(&port, number, UINT16_MAX) || port == 0) {
		refuse(r, RC_UNSUPPORTED, line,
		       "ports: one fixed published port, 1 to 65535, not '%s'",
		       shown(number).text);
		return;
	}
	for (size_t i = 0; i < c->port_count; i++) {
		if (c->ports[i].port != port)
			continue;
		refuse(r, RC_MALFORMED, line,
		       "ports: %llu is published on line %zu already",
		       (unsigned long long)port, c->ports[i].line);
		return;
	}
	if (c->port_count == MANIFEST_PORTS_MAX) {
		refuse(r, RC_LIMIT, line, "ports: at most %d",
		       MANIFEST_PORTS_MAX);
		return;
	}
	c->ports[c->port_count++] = (struct compose_port){
		.port = (uint16_t)port,
		.protocol = port == PORT_HTTPS ? MANIFEST_TLS : MANIFEST_HTTP,
		.line = line,
	};
}

/* "80:8080", "80:8080/tcp". */
static void read_short_port(struct reader *r, const struct ytree *node)
{
	struct span rest = node->text, published, target, protocol = { 0 };
	const uint8_t *slash = NULL;

	if (rest.n)
		slash = memchr(rest.p, '/', rest.n);
	if (slash) {
		protocol = span_of(slash + 1,
				   rest.n - (size_t)(slash + 1 - rest.p));
		rest.n = (size_t)(slash - rest.p);
	}
	if (slash && !span_equal_str(protocol, "tcp")) {
		refuse(r, RC_UNSUPPORTED, node->line,
		       "ports: a gateway forwards TCP, not '%s'",
		       shown(protocol).text);
		return;
	}
	if (rest.n == 0 || !memchr(rest.p, ':', rest.n)) {
		refuse(r, RC_UNSUPPORTED, node->line,
		       "ports: say which port is published, as in \"80:%s\"",
		       shown(rest).text);
		return;
	}
	(void)rd_until(&rest, &published, ':'); /* it has a ':' */
	if (rd_until(&rest, &target, ':') && rest.n == 0 &&
	    !memchr(target.p, '.', target.n)) {
		uint64_t ignored;

		if (!text_u64(&ignored, target, UINT16_MAX))
			refuse(r, RC_UNSUPPORTED, node->line,
			       "ports: one port in the container, not '%s'",
			       shown(target).text);
		add_port(r, published, node->line);
		return;
	}
	refuse(r, RC_UNSUPPORTED, node->line,
	       "ports: '%s' binds one address, which the tunnel does not "
	       "reach; write \"PUBLISHED:PORT\"",
	       shown(node->text).text);
}

static void read_long_port(struct reader *r, const struct ytree *node)
{
	const struct ytree *published = ytree_get(node, "published");
	const struct ytree *protocol = ytree_get(node, "protocol");
	const struct ytree *host_ip = ytree_get(node, "host_ip");

	if (!ytree_is_null(protocol) && !ytree_is(protocol, "tcp"))
		refuse(r, RC_UNSUPPORTED, protocol->line,
		       "ports: a gateway forwards TCP");
	if (!ytree_is_null(host_ip))
		refuse(r, RC_UNSUPPORTED, host_ip->line,
		       "ports: one address, which the tunnel does not reach");
	if (ytree_is_null(published) || published->type != YTREE_SCALAR) {
		refuse(r, RC_UNSUPPORTED, node->line,
		       "ports: say which port is published");
		return;
	}
	add_port(r, published->text, published->line);
}

static void read_ports(struct reader *r, const struct ytree *service)
{
	const struct ytree *ports = ytree_get(service, "ports");

	if (ytree_is_null(ports))
		return;
	if (ports->type != YTREE_LIST) {
		refuse(r, RC_MALFORMED, ports->line, "ports: a list");
		return;
	}
	for (const struct ytree_item *i = ports->first; i && !r->rc;
	     i = i->next) {
		if (i->value->type == YTREE_SCALAR)
			read_short_port(r, i->value);
		else if (i->value->type == YTREE_MAP)
			read_long_port(r, i->value);
		else
			refuse(r, RC_MALFORMED, i->value->line,
			       "ports: a text or a map");
	}
}

static void read_service(struct reader *r, const struct ytree_item *item)
{
	const struct ytree *service = item->value;

	if (service->type != YTREE_MAP) {
		refuse(r, RC_MALFORMED, item->line, "%s: a service is a map",
		       shown(item->key).text);
		return;
	}
	if (++r->out.service_count > COMPOSE_SERVICES_MAX) {
		refuse(r, RC_LIMIT, item->line, "services: at most %d",
		       COMPOSE_SERVICES_MAX);
		return;
	}
	check_privileged(r, service);
	check_network_mode(r, service);
	check_spaces(r, service);
	check_absent(r, service);
	check_volumes(r, service);
	check_image(r, item);
	read_ports(r, service);
}

/* The file's other parts. */

/* Networks and volumes that the app brings along. */
static void check_resources(struct reader *r, const struct ytree *root,
			    const char *key, const char *driver)
{
	const struct ytree *all = ytree_get(root, key);

	if (ytree_is_null(all))
		return;
	if (all->type != YTREE_MAP) {
		refuse(r, RC_MALFORMED, all->line, "%s: a map", key);
		return;
	}
	for (const struct ytree_item *i = all->first; i; i = i->next) {
		const struct ytree *external = ytree_get(i->value, "external");
		const struct ytree *chosen = ytree_get(i->value, "driver");
		const struct ytree *opts = ytree_get(i->value, "driver_opts");

		if (!ytree_is_null(external) && !ytree_is(external, "false"))
			refuse(r, RC_UNSUPPORTED, external->line,
			       "%s: external: nothing is there before the app",
			       key);
		if (!ytree_is_null(chosen) && !ytree_is(chosen, driver))
			refuse(r, RC_UNSUPPORTED, chosen->line,
			       "%s: driver: the guest has %s", key, driver);
		if (strcmp(key, "volumes") == 0 && !is_empty(opts))
			refuse(r, RC_UNSUPPORTED, opts->line,
			       "volumes: driver_opts: volumes lie on the "
			       "sealed disk");
	}
}

/* Secrets and configs of files are of the developer's machine. */
static void check_files(struct reader *r, const struct ytree *root,
			const char *key)
{
	const struct ytree *all = ytree_get(root, key);

	if (!all || all->type != YTREE_MAP)
		return;
	for (const struct ytree_item *i = all->first; i; i = i->next) {
		static const char *const from[] = { "file", "external" };

		for (size_t k = 0; k < sizeof(from) / sizeof(from[0]); k++) {
			const struct ytree *node = ytree_get(i->value, from[k]);

			if (!ytree_is_null(node) && !ytree_is(node, "false"))
				refuse(r, RC_UNSUPPORTED, node->line,
				       "%s: %s: only the compose file is "
				       "measured; use `postern secret`",
				       key, from[k]);
		}
	}
}

static bool find_protocol(enum manifest_protocol *out, const struct ytree *node)
{
	static const char *const names[] = {
		[MANIFEST_HTTP] = "http",
		[MANIFEST_H2] = "h2",
		[MANIFEST_TCP] = "tcp",
		[MANIFEST_TLS] = "tls",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!ytree_is(node, names[i]))
			continue;
		*out = (enum manifest_protocol)i;
		return true;
	}
	return false;
}

static void read_own_port(struct reader *r, const struct ytree_item *item)
{
	uint64_t port;

	if (!text_u64(&port, item->key, UINT16_MAX)) {
		refuse(r, RC_MALFORMED, item->line, "x-postern.ports: a port");
		return;
	}
	for (size_t i = 0; i < r->out.port_count; i++) {
		if (r->out.ports[i].port != port)
			continue;
		if (!find_protocol(&r->out.ports[i].protocol, item->value))
			refuse(r, RC_MALFORMED, item->line,
			       "x-postern.ports: http, h2, tcp or tls");
		return;
	}
	refuse(r, RC_MALFORMED, item->line,
	       "x-postern.ports: no service publishes %llu",
	       (unsigned long long)port);
}

static void read_domains(struct reader *r, const struct ytree *list)
{
	if (!list)
		return;
	if (list->type != YTREE_LIST || list->count > MANIFEST_DOMAINS_MAX) {
		refuse(r, RC_MALFORMED, list->line,
		       "x-postern.domains: a list of at most %d",
		       MANIFEST_DOMAINS_MAX);
		return;
	}
	r->out.lists_domains = true;
	for (const struct ytree_item *i = list->first; i; i = i->next) {
		if (i->value->type != YTREE_SCALAR) {
			refuse(r, RC_MALFORMED, i->value->line,
			       "x-postern.domains: names");
			return;
		}
		r->out.domains[r->out.domain_count++] = copy(r, i->value);
	}
}

static void read_own(struct reader *r, const struct ytree *own)
{
	static const char *const known[] = { "ports", "domains", "egress" };
	const struct ytree *ports = ytree_get(own, "ports");

	if (ytree_is_null(own))
		return;
	if (own->type != YTREE_MAP) {
		refuse(r, RC_MALFORMED, own->line, "x-postern: a map");
		return;
	}
	for (const struct ytree_item *i = own->first; i; i = i->next) {
		bool is_known = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			is_known = is_known || span_equal_str(i->key, known[k]);
		if (!is_known)
			refuse(r, RC_MALFORMED, i->line,
			       "x-postern: no key '%s': ports, domains, egress",
			       shown(i->key).text);
	}
	if (ports && ports->type != YTREE_MAP)
		refuse(r, RC_MALFORMED, ports->line, "x-postern.ports: a map");
	for (const struct ytree_item *i =
		     ports && ports->type == YTREE_MAP ? ports->first : NULL;
	     i; i = i->next)
		read_own_port(r, i);
	read_domains(r, ytree_get(own, "domains"));
	r->out.allows_egress = ytree_is_true(ytree_get(own, "egress"));
}

static void read_root(struct reader *r, const struct ytree *root)
{
	const struct ytree *services = ytree_get(root, "services");
	const struct ytree *name = ytree_get(root, "name");
	const struct ytree *include = ytree_get(root, "include");

	if (!services || services->type != YTREE_MAP || services->count == 0) {
		refuse(r, RC_MALFORMED, services ? services->line : root->line,
		       "services: a map of at least one");
		return;
	}
	if (!is_empty(include))
		refuse(r, RC_UNSUPPORTED, include->line,
		       "include: only this one file is measured");
	if (!ytree_is_null(name) && name->type == YTREE_SCALAR)
		r->out.name = copy(r, name);
	for (const struct ytree_item *i = services->first; i && !r->rc;
	     i = i->next)
		read_service(r, i);
	check_resources(r, root, "networks", "bridge");
	check_resources(r, root, "volumes", "local");
	check_files(r, root, "secrets");
	check_files(r, root, "configs");
	if (!r->rc)
		read_own(r, ytree_get(root, "x-postern"));
}

enum rc compose_read(struct compose *out, struct arena *arena, const char *file,
		     struct span text, char error[COMPOSE_ERROR_MAX])
{
	struct reader r = { .arena = arena, .file = file, .error = error };
	char why[YTREE_ERROR_MAX];
	const struct ytree *root;
	enum rc rc;

	if (text.n > COMPOSE_MAX) {
		refuse(&r, RC_LIMIT, 1, "at most %d bytes", COMPOSE_MAX);
		return r.rc;
	}
	rc = ytree_read(&root, arena, text, why);
	if (rc) {
		(void)snprintf(error, COMPOSE_ERROR_MAX, "%.200s:%s", file,
			       why);
		return rc;
	}
	read_root(&r, root);
	if (r.rc)
		return r.rc;
	*out = r.out;
	return RC_OK;
}

/*
 * store_fill DIR: fills a gateway's store from lines on standard input, for
 * tests of what reads it.
 *
 *   lease INSTANCE APP ADDRESS SECONDS PORT:PROTOCOL[:pp]...
 *   alias LABEL APP
 *   remove INSTANCE
 *   app APP [domain NAME | domains | check PORT:SECONDS[:PATH]]...
 *   drain INSTANCE | undrain INSTANCE
 *   many COUNT
 *
 * INSTANCE and APP are 40 hex digits, ADDRESS is IPv4, SECONDS from now (may be
 * negative: already over).  Aliases replace all aliases.  "app" says what its
 * manifest would: "domains" alone is an empty list.  "many" adds so many
 * leases of as many apps, with an alias each (r0, r1, ...) and ids that are
 * hashes of their numbers, at 10.0.0.0/8.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "io/clock.h"
#include "store/store.h"

#define NO_QUOTE ((struct span){ 0 })

struct filling {
	struct store *store;
	struct store_alias *aliases;
	size_t alias_count;
};

static void die(const char *what)
{
	fprintf(stderr, "store_fill: %s\n", what);
	exit(2);
}

static const char *word(char **rest)
{
	const char *w = strsep(rest, " \n");

	return w ? w : "";
}

static void read_id(uint8_t id[STORE_ID_LEN], const char *text)
{
	if (!text_hex_decode(id, STORE_ID_LEN, span_str(text)))
		die("an id is 40 hex digits");
}

static void add_port(struct store_lease *l, char *text)
{
	static const char *const names[] = { "http", "h2", "tcp", "tls" };
	struct store_port *p = &l->ports[l->port_count];
	const char *number = strsep(&text, ":"), *protocol = strsep(&text, ":");
	const char *option;
	unsigned i;

	p->port = (uint16_t)atoi(number);
	while ((option = strsep(&text, ":")) != NULL) {
		if (strcmp(option, "pp") == 0)
			p->proxy_protocol = 2;
		p->proxy_protocol = strcmp(option, "pp1") == 0 ? 1 : p->proxy_protocol;
		p->is_forwarding |= strcmp(option, "forwarded") == 0;
		p->is_any_host |= strcmp(option, "any") == 0;
	}
	for (i = 0; i < 4; i++)
		if (protocol && strcmp(protocol, names[i]) == 0)
			p->protocol = (enum store_protocol)i;
	l->port_count++;
}

static void put_lease(struct store *s, char *rest)
{
	struct store_lease l = { .app_name = "test", .node_id = "test" };
	int64_t now = clock_unix_ms();
	char *port;

	read_id(l.instance_id, word(&rest));
	read_id(l.app_id, word(&rest));
	l.address[10] = l.address[11] = 0xff;
	if (inet_pton(AF_INET, word(&rest), l.address + 12) != 1)
		die("an address is IPv4");
	memcpy(l.wg_public, l.instance_id, STORE_ID_LEN);
	l.granted_unix_ms = l.renewed_unix_ms = now;
	l.expires_unix_ms = now + 1000 * atoll(word(&rest));
	while ((port = strsep(&rest, " \n")) != NULL)
		if (*port && l.port_count < STORE_PORTS_MAX)
			add_port(&l, port);
	if (store_lease_put(s, &l, NO_QUOTE))
		die("the store refuses the lease");
}

static void add_alias(struct filling *f, const char *label, const uint8_t id[STORE_ID_LEN])
{
	struct store_alias *a;

	/* Room for twice as many each time. */
	if ((f->alias_count & (f->alias_count + 1)) == 0)
		f->aliases = mem_grow(f->aliases, 2 * f->alias_count + 2, sizeof(*f->aliases));
	a = &f->aliases[f->alias_count++];
	*a = (struct store_alias){ 0 };
	snprintf(a->label, sizeof(a->label), "%s", label);
	memcpy(a->app_id, id, STORE_ID_LEN);
}

static void put_app(struct store *s, char *rest)
{
	struct store_app a = { 0 };
	uint8_t id[STORE_ID_LEN];
	const char *what;

	read_id(id, word(&rest));
	while (*(what = word(&rest))) {
		a.lists_domains |= strncmp(what, "domain", 6) == 0;
		if (strcmp(what, "domain") == 0) {
			snprintf(a.domains[a.domain_count++], STORE_DOMAIN_MAX, "%s", word(&rest));
		} else if (strcmp(what, "check") == 0) {
			struct store_check *c = &a.checks[a.check_count++];
			char path[STORE_PATH_MAX] = "";
			unsigned port, seconds;

			if (sscanf(word(&rest), "%u:%u:%127s", &port, &seconds, path) < 2)
				die("a check is PORT:SECONDS[:PATH]");
			c->port = (uint16_t)port;
			c->interval_s = seconds;
			memcpy(c->path, path, sizeof(path));
		}
	}
	if (store_app_put(s, id, &a))
		die("the store refuses the app");
}

static void hash_of(uint8_t id[STORE_ID_LEN], const char *what, unsigned n)
{
	struct sha256 hash;
	char text[32];

	snprintf(text, sizeof(text), "%s %u", what, n);
	sha256_of(&hash, span_str(text));
	memcpy(id, hash.b, STORE_ID_LEN);
}

static void put_many(struct filling *f, unsigned count)
{
	struct store_lease l = { .app_name = "many", .node_id = "many", .port_count = 2 };
	int64_t now = clock_unix_ms();
	char label[32];

	l.ports[0] = (struct store_port){ .port = 80, .protocol = STORE_HTTP };
	l.ports[1] = (struct store_port){ .port = 443, .protocol = STORE_TLS };
	l.granted_unix_ms = l.renewed_unix_ms = now;
	l.expires_unix_ms = now + 24 * 3600 * 1000;
	for (unsigned n = 0; n < count; n++) {
		struct wr address = wr_over(l.address, sizeof(l.address));

		hash_of(l.instance_id, "instance", n);
		hash_of(l.app_id, "app", n);
		memcpy(l.wg_public, l.instance_id, STORE_ID_LEN);
		wr_zero(&address, 10);
		wr_be16(&address, 0xffff);
		wr_be32(&address, 0x0a00'0100 + n);
		if (store_lease_put(f->store, &l, NO_QUOTE))
			die("the store refuses a lease of many");
		snprintf(label, sizeof(label), "r%u", n);
		add_alias(f, label, l.app_id);
	}
}

static void follow(struct filling *f, char *line)
{
	char *rest = line;
	const char *verb = word(&rest);
	uint8_t id[STORE_ID_LEN];

	if (strcmp(verb, "lease") == 0) {
		put_lease(f->store, rest);
	} else if (strcmp(verb, "alias") == 0) {
		const char *label = word(&rest);

		read_id(id, word(&rest));
		add_alias(f, label, id);
	} else if (strcmp(verb, "remove") == 0) {
		read_id(id, word(&rest));
		if (store_lease_remove(f->store, id, true))
			die("the store refuses the removal");
	} else if (strcmp(verb, "app") == 0) {
		put_app(f->store, rest);
	} else if (strcmp(verb, "drain") == 0 || strcmp(verb, "undrain") == 0) {
		read_id(id, word(&rest));
		if (store_drain(f->store, id, verb[0] == 'd'))
			die("the store refuses the mark");
	} else if (strcmp(verb, "many") == 0) {
		put_many(f, (unsigned)atoi(word(&rest)));
	}
}

int main(int argc, char **argv)
{
	struct filling f = { 0 };
	char error[256], line[1024];

	if (argc != 2)
		die("usage: store_fill DIR");
	if (store_open(&f.store, argv[1], STORE_WRITE, 0, error))
		die(error);
	while (fgets(line, sizeof(line), stdin))
		follow(&f, line);
	if (f.alias_count && store_aliases_set(f.store, f.aliases, f.alias_count))
		die("the store refuses the aliases");
	store_close(f.store);
	free(f.aliases);
	return 0;
}

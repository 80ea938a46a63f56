/*
 * store_fill DIR: fills a gateway's store from lines on standard input, for
 * tests of what reads it.
 *
 *   lease INSTANCE APP ADDRESS SECONDS PORT:PROTOCOL[:pp]...
 *   alias LABEL APP
 *   remove INSTANCE
 *
 * INSTANCE and APP are 40 hex digits, ADDRESS is IPv4, SECONDS from now (may be
 * negative: already over).  Aliases replace all aliases.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/clock.h"
#include "store/store.h"

#define NO_QUOTE ((struct span){ 0 })

enum {
	ALIASES_MAX = 16,
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

int main(int argc, char **argv)
{
	struct store_alias aliases[ALIASES_MAX] = { 0 };
	uint8_t id[STORE_ID_LEN];
	size_t alias_count = 0;
	struct store *s;
	char error[256], line[1024];

	if (argc != 2)
		die("usage: store_fill DIR");
	if (store_open(&s, argv[1], STORE_WRITE, 0, error))
		die(error);
	while (fgets(line, sizeof(line), stdin)) {
		char *rest = line;
		const char *verb = word(&rest);

		if (strcmp(verb, "lease") == 0) {
			put_lease(s, rest);
		} else if (strcmp(verb, "alias") == 0 && alias_count < ALIASES_MAX) {
			snprintf(aliases[alias_count].label, STORE_LABEL_MAX, "%s", word(&rest));
			read_id(aliases[alias_count++].app_id, word(&rest));
		} else if (strcmp(verb, "remove") == 0) {
			read_id(id, word(&rest));
			if (store_lease_remove(s, id, true))
				die("the store refuses the removal");
		}
	}
	if (alias_count && store_aliases_set(s, aliases, alias_count))
		die("the store refuses the aliases");
	store_close(s);
	return 0;
}

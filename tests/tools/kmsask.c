/*
 * kmsask: asks a key service as a CVM does, and prints what it got, for tests.
 *
 *   kmsask FOLDER MANIFEST SIMULATOR ADDRESS[,ADDRESS...] get SCOPE PURPOSE EPOCH ...
 *   kmsask ... epoch NAME RAISE_TO
 *
 * FOLDER has policy, collateral/, root.pem and state/.  Prints "EPOCH HEX" a
 * key, or the number; or "REASON DETAIL" and exits 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyclient/keyclient.h"
#include "node/platform.h"

enum {
	ADDRESSES_MAX = 8,
};

static const char *path(const char *folder, const char *name)
{
	static char rooms[4][4096];
	static unsigned next;
	char *out = rooms[next++ % 4];

	(void)snprintf(out, 4096, "%s/%s", folder, name);
	return out;
}

static size_t read_addresses(struct sock_addr *out, const char *text)
{
	struct span rest = span_str(text), one;
	size_t n = 0;

	while (n < ADDRESSES_MAX && rd_until(&rest, &one, ','))
		if (!sock_addr_parse(&out[n++], one))
			exit(2);
	return n;
}

static int get(const struct keyclient_options *o, char **argv)
{
	struct keys_wanted wanted[KEYS_WANTED_MAX] = { 0 };
	struct keys_key keys[KEYS_WANTED_MAX];
	struct keyclient_error error;
	size_t n = 0;

	for (; argv[0] && argv[1] && argv[2]; argv += 3, n++) {
		wanted[n].scope = strcmp(argv[0], "app") == 0 ? KEYS_OF_APP : KEYS_OF_INSTANCE;
		(void)snprintf(wanted[n].purpose, sizeof(wanted[n].purpose), "%s", argv[1]);
		wanted[n].epoch = (uint32_t)atoi(argv[2]);
	}
	if (keyclient_get(keys, o, wanted, n, &error)) {
		printf("%s %s\n", error.reason, error.detail);
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		printf("%u ", keys[i].epoch);
		for (size_t b = 0; b < 32; b++)
			printf("%02x", keys[i].key.b[b]);
		printf("\n");
	}
	return 0;
}

static int epoch(const struct keyclient_options *o, const char *name, const char *to)
{
	struct keyclient_error error;
	uint64_t value;

	if (keyclient_epoch(&value, o, name, strtoull(to, NULL, 10), &error)) {
		printf("%s %s\n", error.reason, error.detail);
		return 1;
	}
	printf("%llu\n", (unsigned long long)value);
	return 0;
}

int main(int argc, char **argv)
{
	struct log log = { .fd = 2, .program = "kmsask", .max = LOG_ERROR };
	struct sock_addr addresses[ADDRESSES_MAX];
	struct trust_settings trust = { 0 };
	struct quotes_settings quotes = { 0 };
	struct platform_options po = { .trust = &trust, .quotes = &quotes, .log = &log };
	struct keyclient_options o = { .addresses = addresses, .node_timeout_ms = 8000 };
	struct platform p = { 0 };
	char error[NODE_ERROR_MAX] = "";
	int status;

	if (argc < 7)
		return 2;
	trust.policy = path(argv[1], "policy");
	trust.collateral = path(argv[1], "collateral");
	trust.simulated_root = path(argv[1], "root.pem");
	po.identity = (struct identity_options){ .manifest = argv[2],
						 .state = path(argv[1], "state"),
						 .node = "asker" };
	quotes.simulator = argv[3];
	o.address_count = read_addresses(addresses, argv[4]);
	if (platform_open(&p, &po, error)) {
		printf("local %s\n", error);
		return 2;
	}
	o.identity = &p.identity;
	o.trust = p.trust;
	o.source = p.source;
	status = strcmp(argv[5], "get") == 0 ? get(&o, argv + 6)
					     : epoch(&o, argv[6], argv[7] ? argv[7] : "0");
	platform_fini(&p);
	return status;
}

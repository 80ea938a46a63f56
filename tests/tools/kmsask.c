/*
 * kmsask: asks a key service as a CVM does, and prints what it got, for tests.
 *
 *   kmsask FOLDER MANIFEST SIMULATOR ADDRESS[,ADDRESS...] get SCOPE PURPOSE EPOCH ...
 *   kmsask ... epoch NAME RAISE_TO
 *   kmsask ... seal FOLDER PURPOSE [SECRET]
 *
 * FOLDER has policy, collateral/, root.pem and state/.  Prints "EPOCH HEX" a
 * key, or the number; or "REASON DETAIL" and exits 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keyclient/sealing.h"
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

/* Writes or reads one sealed file whose key the service has. */
static int seal(const struct keyclient_options *o, const char *folder, char **argv)
{
	struct keyclient_sealing sealing = { .options = o };
	const struct seal_provider provider = keyclient_seal_provider(&sealing);
	struct seal_options so = { .folder = folder, .provider = &provider };
	char error[SEAL_ERROR_MAX] = "";
	enum seal_reason reason;
	struct seal *s = NULL;
	struct buf out;

	memcpy(so.app, o->identity->manifest.lineage, sizeof(so.app));
	memcpy(so.instance, o->identity->instance_id, sizeof(so.instance));
	buf_init(&out, FORM_SECRET_MAX);
	reason = seal_open(&s, &so, error);
	if (!reason && argv[2])
		reason = seal_write(s, argv[1], span_str(argv[2]));
	else if (!reason)
		reason = seal_read(s, argv[1], &out);
	printf("%s %s%.*s\n", seal_reason_name(reason), error, (int)buf_span(&out).n,
	       (const char *)buf_span(&out).p);
	seal_close(s);
	buf_fini(&out);
	return reason != SEAL_OK;
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
	if (strcmp(argv[5], "get") == 0)
		status = get(&o, argv + 6);
	else if (strcmp(argv[5], "seal") == 0)
		status = seal(&o, argv[6], argv + 6);
	else
		status = epoch(&o, argv[6], argv[7] ? argv[7] : "0");
	platform_fini(&p);
	return status;
}

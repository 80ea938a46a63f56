#include "guestinit/hostconf.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/sock.h"
#include "json/jtree.h"

enum {
	ARENA_MAX = 256 * 1024,
};

struct reader {
	struct hostconf *out;
	char *error;
	bool is_simulated;
};

static enum rc refuse(const struct reader *r, const char *member,
		      const char *expected)
{
	(void)snprintf(r->error, HOSTCONF_ERROR_MAX, "%s: %s", member,
		       expected);
	return RC_MALFORMED;
}

/* The text of a JSON string into a fixed array, if it is made of 'set'. */
static bool take_text(char *out, size_t cap, const struct jtree *value,
		      const char *set)
{
	if (!value || value->type != JTREE_TEXT || value->text.n < 1 ||
	    value->text.n >= cap)
		return false;
	for (size_t i = 0; i < value->text.n; i++)
		if (!value->text.p[i] || !strchr(set, value->text.p[i]))
			return false;
	memcpy(out, value->text.p, value->text.n);
	out[value->text.n] = '\0';
	return true;
}

/* An IP address and a port, in our own spelling. */
static bool take_address(char out[HOSTCONF_ADDRESS_MAX],
			 const struct jtree *value)
{
	struct wr w = wr_over(out, HOSTCONF_ADDRESS_MAX - 1);
	struct sock_addr a;

	if (!value || value->type != JTREE_TEXT ||
	    !sock_addr_parse(&a, value->text) || a.sa.sa_family == AF_UNIX)
		return false;
	sock_addr_write(&w, &a);
	if (w.over)
		return false;
	out[w.n] = '\0';
	return true;
}

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static enum rc read_node(struct reader *r, const struct jtree *value)
{
	if (take_text(r->out->node, sizeof(r->out->node), value,
		      DIGITS LOWER "-"))
		return RC_OK;
	return refuse(r, "node", "expected 1 to 63 of a-z, 0-9 and -");
}

/* The members of an object are these and no others. */
static bool has_only(const struct jtree *object, const char *const *names)
{
	if (!object || object->type != JTREE_OBJECT)
		return false;
	for (const struct jtree *m = object->first; m; m = m->next) {
		size_t i = 0;

		while (names[i] && !span_equal_str(m->key, names[i]))
			i++;
		if (!names[i])
			return false;
	}
	return true;
}

static enum rc read_gateway(struct reader *r, const struct jtree *value)
{
	static const char *const members[] = { "address", "name", "app", NULL };
	const struct jtree *app = jtree_get(value, "app");
	struct hostconf *c = r->out;
	uint8_t id[20];

	if (!has_only(value, members))
		return refuse(r, "gateway",
			      "expected an object of address, name and app");
	if (!take_address(c->gateway_address, jtree_get(value, "address")))
		return refuse(r, "gateway.address",
			      "expected an address such as 192.0.2.1:443");
	if (!take_text(c->gateway_name, sizeof(c->gateway_name),
		       jtree_get(value, "name"), DIGITS LOWER ".-"))
		return refuse(r, "gateway.name", "expected a host name");
	if (app && (!take_text(c->gateway_app, sizeof(c->gateway_app), app,
			       DIGITS "abcdef") ||
		    !text_hex_decode(id, sizeof(id),
				     span_str(c->gateway_app))))
		return refuse(r, "gateway.app", "expected 40 hex digits");
	return RC_OK;
}

static enum rc read_kms(struct reader *r, const struct jtree *value)
{
	struct hostconf *c = r->out;

	if (value->type != JTREE_ARRAY || value->count > HOSTCONF_KMS_MAX)
		return refuse(r, "kms", "expected a list of at most 8");
	for (const struct jtree *e = value->first; e; e = e->next)
		if (!take_address(c->kms[c->kms_count++], e))
			return refuse(r, "kms",
				      "expected addresses such as "
				      "192.0.2.2:8443");
	return RC_OK;
}

static enum rc read_net(struct reader *r, const struct jtree *value)
{
	static const char *const members[] = { "address", "route", NULL };
	const struct jtree *address = jtree_get(value, "address");
	const struct jtree *route = jtree_get(value, "route");
	struct hostconf *c = r->out;
	struct io_prefix via;

	if (!has_only(value, members))
		return refuse(r, "net",
			      "expected an object of address and route");
	if (!address || address->type != JTREE_TEXT ||
	    !io_prefix_parse(&c->address, address->text) ||
	    c->address.is_v6 || c->address.len < 1 || c->address.len > 31)
		return refuse(r, "net.address",
			      "expected an address such as 10.0.2.15/24");
	c->has_net = true;
	if (!route)
		return RC_OK;
	if (route->type != JTREE_TEXT || !io_prefix_parse(&via, route->text) ||
	    via.is_v6 || via.len != 32)
		return refuse(r, "net.route",
			      "expected an address such as 10.0.2.2");
	memcpy(c->route, via.bytes, sizeof(c->route));
	return RC_OK;
}

static enum rc read_collateral(struct reader *r, const struct jtree *value)
{
	static const char *const members[] = { "url", NULL };
	struct hostconf *c = r->out;

	if (!has_only(value, members) ||
	    !take_text(c->collateral_url, sizeof(c->collateral_url),
		       jtree_get(value, "url"),
		       DIGITS LOWER UPPER ":/.[]_-") ||
	    strncmp(c->collateral_url, "http", 4) != 0)
		return refuse(r, "collateral.url",
			      "expected such as https://192.0.2.7:8081/sgx");
	return RC_OK;
}

static enum rc read_root(struct reader *r, const struct jtree *value)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	struct hostconf *c = r->out;

	if (!r->is_simulated) {
		(void)refuse(r, "simulated_root",
			     "this image is not simulated and knows none");
		return RC_DENIED;
	}
	if (take_text(c->simulated_root, sizeof(c->simulated_root), value,
		      DIGITS LOWER UPPER "+/=- \n") &&
	    strncmp(c->simulated_root, begin, sizeof(begin) - 1) == 0)
		return RC_OK;
	return refuse(r, "simulated_root", "expected a certificate in PEM");
}

struct member {
	const char *name;
	enum rc (*read)(struct reader *r, const struct jtree *value);
	bool is_required;
};

/* clang-format off */
static const struct member members[] = {
	{ "node", read_node, true },
	{ "gateway", read_gateway, true },
	{ "kms", read_kms, false },
	{ "net", read_net, false },
	{ "collateral", read_collateral, false },
	{ "simulated_root", read_root, false },
};
/* clang-format on */

enum {
	MEMBERS = sizeof(members) / sizeof(members[0]),
};

static enum rc read_members(struct reader *r, const struct jtree *root)
{
	const struct jtree *value;
	size_t known = 0;
	enum rc rc;

	for (size_t i = 0; i < MEMBERS; i++) {
		value = jtree_get(root, members[i].name);
		if (!value && members[i].is_required)
			return refuse(r, members[i].name, "missing");
		if (!value)
			continue;
		known++;
		rc = members[i].read(r, value);
		if (rc)
			return rc;
	}
	if (known != root->count)
		return refuse(r, "config", "a member that is not known");
	if (r->is_simulated && !r->out->simulated_root[0])
		return refuse(r, "simulated_root",
			      "missing, and this image is simulated");
	return RC_OK;
}

enum rc hostconf_read(struct hostconf *out, struct span json, bool is_simulated,
		      char error[HOSTCONF_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	struct hostconf c = { 0 };
	struct reader r = { &c, error, is_simulated };
	const struct jtree *root;
	enum rc rc;

	arena_init(&arena, ARENA_MAX);
	root = json.n <= HOSTCONF_MAX ? jtree_read(&arena, json) : NULL;
	if (!root || root->type != JTREE_OBJECT)
		return refuse(&r, "config",
			      "expected a JSON object of at most 16 KiB");
	rc = read_members(&r, root);
	if (rc)
		return rc;
	*out = c;
	return RC_OK;
}

#include "cli/verify_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "pki/pem.h"
#include "pki/webname.h"
#include "quoting/policy_load.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
#define DNS_ANCHORS "/usr/share/dns/root.ds"

/* ---- the command line */

static bool set_host(struct verify_options *o, struct span host,
		     struct span port)
{
	uint64_t number = 443;

	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (!webname_is_host(host) || host.n >= sizeof(o->host) ||
	    (port.n && !text_u64(&number, port, 65535)))
		return false;
	memcpy(o->host, host.p, host.n);
	text_lower(o->host, host.n);
	(void)snprintf(o->port, sizeof(o->port), "%u", (unsigned)number);
	o->has_name = true;
	return true;
}

/* NAME, NAME:PORT, https://NAME[:PORT][/...]. */
static bool read_name(struct verify_options *o, const char *text)
{
	struct span rest = span_str(text), authority, host;

	if (span_has_prefix(rest, span_str("http://"))) {
		o->is_http = true;
		(void)rd_skip(&rest, 7);
	} else if (span_has_prefix(rest, span_str("https://"))) {
		(void)rd_skip(&rest, 8);
	}
	if (!rd_until(&rest, &authority, '/') ||
	    !rd_until(&authority, &host, ':'))
		return false;
	return set_host(o, host, authority);
}

static bool add_forwarder(struct verify_options *o, const char *text)
{
	char with_port[128];
	struct sock_addr *at = &o->forwarders[o->forwarder_count];

	if (o->forwarder_count == VERIFY_FORWARDERS_MAX)
		return false;
	(void)snprintf(with_port, sizeof(with_port), "%s:53", text);
	if (!sock_addr_parse(at, span_str(text)) &&
	    !sock_addr_parse(at, span_str(with_port)))
		return false;
	o->forwarder_count++;
	return true;
}

/* KIND=URL. */
static bool add_source(struct verify_options *o, const char *text)
{
	struct verify_source *s = &o->sources[o->source_count];
	const char *eq = strchr(text, '=');

	if (!eq || o->source_count == VERIFY_SOURCES_MAX)
		return false;
	s->is_certspotter = strncmp(text, "certspotter=", 12) == 0;
	if (!s->is_certspotter && strncmp(text, "crt.sh=", 7) != 0)
		return false;
	s->name = s->is_certspotter ? "certspotter" : "crt.sh";
	s->url = eq + 1;
	o->source_count++;
	return true;
}

static bool set_timeout(struct verify_options *o, const char *text)
{
	uint64_t seconds;

	if (!text_u64(&seconds, span_str(text), VERIFY_TIMEOUT_MAX_S) ||
	    !seconds)
		return false;
	o->timeout_s = (unsigned)seconds;
	return true;
}

unsigned verify_time_left(const struct verify_options *o, unsigned max)
{
	uint64_t now = clock_boot_ms();

	if (now >= o->give_up_at_ms)
		return 0;
	return o->give_up_at_ms - now < max ? (unsigned)(o->give_up_at_ms - now)
					    : max;
}

static const struct option options[] = {
	{ "policy", required_argument, NULL, 'p' },
	{ "json", no_argument, NULL, 'j' },
	{ "html", required_argument, NULL, 'H' },
	{ "offline", required_argument, NULL, 'o' },
	{ "save", required_argument, NULL, 's' },
	{ "at", required_argument, NULL, 'a' },
	{ "log-list", required_argument, NULL, 'l' },
	{ "log-list-key", required_argument, NULL, 'k' },
	{ "resolver", required_argument, NULL, 'r' },
	{ "trust-anchor", required_argument, NULL, 't' },
	{ "ca-file", required_argument, NULL, 'C' },
	{ "connect", required_argument, NULL, 'c' },
	{ "collateral", required_argument, NULL, 'd' },
	{ "source", required_argument, NULL, 'S' },
	{ "timeout", required_argument, NULL, 'T' },
	{ "memory", required_argument, NULL, 'm' },
	{ "trust-saved", no_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* What was expected, or NULL when the option was read. */
static const char *take(struct verify_options *o, int c, const char *value)
{
	const char **texts[128] = {
		['p'] = &o->policy,
		['H'] = &o->html,
		['o'] = &o->offline,
		['s'] = &o->save,
		['l'] = &o->log_list,
		['k'] = &o->log_list_key,
		['t'] = &o->trust_anchor,
		['C'] = &o->ca_file,
		['c'] = &o->connect,
		['d'] = &o->collateral,
		['m'] = &o->memory,
	};

	if (c > 0 && c < 128 && texts[c]) {
		*texts[c] = value;
		return NULL;
	}
	switch (c) {
	case 'j':
		o->is_json = true;
		return NULL;
	case 'w':
		o->trust_saved = true;
		return NULL;
	case 'h':
		o->help = true;
		return NULL;
	case 'a':
		o->has_at = text_utc(&o->at, span_str(value));
		return o->has_at ? NULL
				 : "--at: expected a time such as "
				   "2026-03-01T00:00:00Z";
	case 'r':
		return add_forwarder(o, value)
			       ? NULL
			       : "--resolver: expected an address such as "
				 "192.0.2.1 or [2001:db8::1]:53, at most 4";
	case 'S':
		return add_source(o, value)
			       ? NULL
			       : "--source: expected crt.sh=URL or "
				 "certspotter=URL, at most 8";
	case 'T':
		return set_timeout(o, value)
			       ? NULL
			       : "--timeout: expected seconds, 1 to 3600";
	default:
		return "wrong arguments";
	}
}

int verify_options_read(struct verify_options *o, int argc, char **argv)
{
	const char *expected;
	int c;

	o->timeout_s = VERIFY_TIMEOUT_S;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		expected = take(o, c, optarg);
		if (expected)
			return complain_usage(&o->say, "%s", expected);
	}
	o->say.is_json = o->is_json;
	if (o->help)
		return CLI_OK;
	o->give_up_at_ms = clock_boot_ms() + 1000 * (uint64_t)o->timeout_s;
	if (argc - optind > 1 || (argc - optind == 0 && !o->offline))
		return complain_usage(&o->say, "expected one name or URL");
	if (argc - optind == 1 && !read_name(o, argv[optind]))
		return complain_usage(&o->say, "not a name or URL: %s",
				      argv[optind]);
	if (o->offline && (o->save || o->connect || o->source_count))
		return complain_usage(&o->say,
				      "--offline goes without the network");
	if (o->trust_saved && !o->offline)
		return complain_usage(&o->say,
				      "--trust-saved goes with --offline");
	return CLI_OK;
}

/* ---- files */

bool verify_file(struct span *out, struct arena *arena, const char *path,
		 char error[COLLATERAL_ERROR_MAX])
{
	struct buf b;
	enum rc rc;
	const char *copy = NULL;

	buf_init(&b, VERIFY_FILE_MAX);
	rc = file_read_argument(&b, path);
	if (rc)
		(void)snprintf(error, COLLATERAL_ERROR_MAX, "%s: %s", path,
			       file_why(rc));
	else
		copy = arena_dup(arena, buf_span(&b));
	if (!rc && !copy)
		(void)snprintf(error, COLLATERAL_ERROR_MAX, "%s: too large",
			       path);
	*out = span_of(copy, copy ? buf_span(&b).n : 0);
	buf_fini(&b);
	return copy != NULL;
}

/* A path that stands in a file is one beside it. */
static const char *beside(struct arena *arena, const char *file,
			  const char *path)
{
	const char *slash = strrchr(file, '/');
	struct span folder = span_of(file, slash ? (size_t)(slash - file) + 1
						 : 0);
	struct span name = span_str(path);
	char *out = arena_new(arena, folder.n + name.n + 1, 1);

	if (path[0] == '/' || !out)
		return path;
	memcpy(out, folder.p, folder.n);
	memcpy(out + folder.n, name.p, name.n);
	return out;
}

static int complain_of(const struct verify_options *o, const char *path,
		       const char *error)
{
	return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_POLICY, path, "%s",
			error);
}

static int load_rules(struct verify_grounds *g, struct arena *arena,
		      const struct verify_options *o)
{
	char error[COLLATERAL_ERROR_MAX];
	struct span text;

	g->rules = rules_default;
	if (!o->policy)
		return CLI_OK;
	if (!verify_file(&text, arena, o->policy, error) ||
	    rules_read(&g->rules, arena, o->policy, text, error))
		return complain_of(o, o->policy, error);
	for (size_t i = 0; i < g->rules.optional_count; i++) {
		char name[64] = { 0 };
		struct wr w = wr_over(name, sizeof(name) - 1);

		wr_bytes(&w, g->rules.optional[i]);
		if (!check_find(name))
			return complain(&o->say, CLI_VERIFY_USAGE,
					COMPLAINT_POLICY, o->policy,
					"%s: optional: no check is called %s",
					o->policy, name);
	}
	return CLI_OK;
}

static int load_platform(struct verify_grounds *g, struct arena *arena,
			 const struct verify_options *o)
{
	char error[POLICY_ERROR_MAX];
	const char *path;

	g->policy = tee_policy_default;
	if (!g->rules.platform)
		return CLI_OK;
	path = beside(arena, o->policy, g->rules.platform);
	if (policy_load(&g->policy, &g->policy_arena, path, NULL, error))
		return complain_of(o, path, error);
	return CLI_OK;
}

static int load_anchors(struct verify_grounds *g, struct arena *arena,
			const struct verify_options *o)
{
	char error[256];
	const char *path;

	g->anchor_count = documents_anchors(g->anchors);
	if (!g->rules.simulated_root)
		return CLI_OK;
	path = beside(arena, o->policy, g->rules.simulated_root);
	if (!documents_root(&g->anchors[g->anchor_count], path, error))
		return complain_of(o, path, error);
	g->anchor_count++;
	return CLI_OK;
}

static int load_roots(struct verify_grounds *g, struct arena *arena,
		      const struct verify_options *o)
{
	const char *path = o->ca_file ? o->ca_file : SYSTEM_ROOTS;
	char error[COLLATERAL_ERROR_MAX];
	struct span pem;

	g->roots = path_roots_new();
	if (!verify_file(&pem, arena, path, error))
		return complain_of(o, path, error);
	if (path_roots_add_pem(g->roots, pem))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_MALFORMED,
				path, "%s: no certificates", path);
	return CLI_OK;
}

static int load_log_key(struct verify_grounds *g, struct arena *arena,
			const struct verify_options *o)
{
	char error[COLLATERAL_ERROR_MAX];
	struct span pem;
	struct wr room;

	if (!o->log_list_key)
		return CLI_OK;
	if (!verify_file(&pem, arena, o->log_list_key, error))
		return complain_of(o, o->log_list_key, error);
	room = wr_over(arena_new(arena, pem.n + 1, 1), pem.n);
	if (pem_decode(&g->log_list_key, 1, &room, PEM_PUBLIC_KEY, pem))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_MALFORMED,
				o->log_list_key, "%s: no public key",
				o->log_list_key);
	return CLI_OK;
}

/* Without one named and without the system's, nothing is ever secure. */
static int load_dns(struct verify_grounds *g, struct arena *arena,
		    const struct verify_options *o)
{
	const char *path = o->trust_anchor ? o->trust_anchor : DNS_ANCHORS;
	char error[COLLATERAL_ERROR_MAX];

	if (!verify_file(&g->dns_anchors, arena, path, error) &&
	    o->trust_anchor)
		return complain_of(o, path, error);
	return CLI_OK;
}

static int load_witnesses(struct verify_grounds *g, struct arena *arena,
			  const struct verify_options *o)
{
	char error[COLLATERAL_ERROR_MAX];
	const char *path;
	struct span text;
	size_t line = 0;

	if (!g->rules.witnesses)
		return CLI_OK;
	path = beside(arena, o->policy, g->rules.witnesses);
	if (!verify_file(&text, arena, path, error))
		return complain_of(o, path, error);
	if (witness_policy_read(&g->witnesses, &line, text))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_POLICY,
				path, "%s:%zu: not a policy of witnesses", path,
				line);
	g->has_witnesses = true;
	return CLI_OK;
}

int verify_grounds_load(struct verify_grounds *g, struct arena *arena,
			const struct verify_options *o)
{
	int (*const steps[])(struct verify_grounds *, struct arena *,
			     const struct verify_options *) = {
		load_rules,
		load_platform,
		load_anchors,
		load_roots,
		load_dns,
		load_log_key,
		load_witnesses,
	};
	int status = CLI_OK;

	arena_init(&g->policy_arena, POLICY_ARENA_MAX);
	for (size_t i = 0; !status && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = steps[i](g, arena, o);
	return status;
}

void verify_grounds_fini(struct verify_grounds *g)
{
	path_roots_free(g->roots);
	arena_fini(&g->policy_arena);
}

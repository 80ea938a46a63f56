/* edge.yaml and cert.yaml of an ingress: what the manifest decides, what the
 * node may say, and that no text becomes more than a text. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "agent/ingress_files.h"
#include "base/mem.h"

static const struct ingress_places places = { .folder = "/run/postern/ingress",
					      .state = "/var/lib/postern/ingress" };

static struct manifest read(const char *ingress, const char *more)
{
	char text[2048], error[MANIFEST_ERROR_MAX] = "";
	struct manifest m;

	(void)snprintf(text, sizeof(text),
		       "{\"manifest_version\":2,\"name\":\"x\",%s\"ingress\":{%s}}", more, ingress);
	if (manifest_read(&m, span_str(text), error))
		fail_msg("%s", error);
	return m;
}

static struct config node(void)
{
	return (struct config){
		.node = "cvm-1",
		.manifest = "/etc/postern/manifest.json",
		.state = "/var/lib/postern",
		.trust.collateral = "/var/lib/postern/collateral",
		.ingress = { .port = 53, .ct.interval_ms = 2000 },
	};
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in:\n%s", part, text);
}

static const char *edge_text(const struct manifest *m)
{
	static char text[INGRESS_FILE_MAX];
	struct wr w = wr_over(text, sizeof(text) - 1);

	memset(text, 0, sizeof(text));
	ingress_write_edge(&w, m, &places);
	assert_false(w.over);
	return text;
}

static const char *cert_text(const struct manifest *m, const struct config *c)
{
	static char text[INGRESS_FILE_MAX];
	struct wr w = wr_over(text, sizeof(text) - 1);

	memset(text, 0, sizeof(text));
	ingress_write_cert(&w, m, c, &places);
	assert_false(w.over);
	return text;
}

#define ONE "\"domains\":[\"www.example.org\"],\"backend\":8080"

static void edge_of_one_line(void **state)
{
	struct manifest m = read(ONE, "");

	(void)state;
	assert_string_equal(edge_text(&m),
			    "base: ingress.invalid\n"
			    "listen: [ \"0.0.0.0:443\" ]\n"
			    "store: \"\"\n"
			    "cert:\n"
			    "  keys: \"/run/postern/ingress/cert-keys.sock\"\n"
			    "  public: \"/run/postern/ingress/cert-public.sock\"\n"
			    "backends:\n"
			    "  - names: [ \"www.example.org\" ]\n"
			    "    to: 127.0.0.1:8080\n"
			    "    alpn: http/1.1\n"
			    "    forwarded: false\n"
			    "proxy_protocol:\n"
			    "  from: [ 0.0.0.0/0 ]\n"
			    "admin: \"/run/postern/ingress/edge.sock\"\n"
			    "pid_file: \"/run/postern/ingress/edge.pid\"\n"
			    "timeouts:\n"
			    "  drain: 1s\n");
}

static void edge_of_more(void **state)
{
	struct manifest m = read("\"domains\":{\"a.example\":1,\"*.b.example\":2},"
				 "\"protocol\":\"h2\",\"forwarded\":true,"
				 "\"challenges\":[\"dns-persist-01\"]",
				 "\"ports\":[{\"port\":443,\"protocol\":\"tls\"}],");
	const char *text = edge_text(&m);

	(void)state;
	assert_has(text, "  - names: [ \"a.example\" ]\n"
			 "    to: 127.0.0.1:1\n"
			 "    alpn: h2\n"
			 "    forwarded: true\n"
			 "  - names: [ \"*.b.example\" ]\n"
			 "    to: 127.0.0.1:2\n");
	/* No header comes, so all clients are one. */
	assert_not(text, "proxy_protocol");
	assert_has(text, "source_rate: 0\n");
	m = read("\"domains\":[\"a.example\"],\"backend\":1,\"protocol\":\"tcp\"", "");
	assert_has(edge_text(&m), "alpn: none\n");
}

static void cert_of_one_line(void **state)
{
	struct manifest m = read(ONE, "");
	struct config c = node();
	const char *text = cert_text(&m, &c);

	(void)state;
	assert_has(text, "state: \"/var/lib/postern/ingress\"\n"
			 "instance: \"/var/lib/postern\"\n");
	assert_has(text, "certificates:\n  - names: [ \"www.example.org\" ]\n");
	assert_has(text, "challenges: [ tls-alpn-01 ]\n");
	assert_has(text, "  - directory: \"https://acme-v02.api.letsencrypt.org/directory\"\n"
			 "    agree: true\n");
	assert_has(text, "resolvers: [ 1.1.1.1:53, 8.8.8.8:53, 9.9.9.9:53 ]\n");
	assert_has(text, "caa:\n  pin: true\n");
	assert_has(text, "edge: \"/run/postern/ingress/edge.sock\"\n");
	assert_not(text, "quotes");
	assert_not(text, "hook");
	assert_not(text, "ct:");
}

static void cert_sealed_by_the_key_service(void **state)
{
	struct sock_addr nodes[2];
	struct manifest m = read(ONE, "");
	struct config c = node();

	(void)state;
	assert_not(cert_text(&m, &c), "kms");
	assert_true(sock_addr_parse(&nodes[0], span_str("192.0.2.2:8446")));
	assert_true(sock_addr_parse(&nodes[1], span_str("[2001:db8::2]:8446")));
	c.kms.addresses = (struct conf_list){ .items = nodes, .count = 2 };
	c.trust.policy = "/run/postern/policy.yaml";
	assert_has(cert_text(&m, &c),
		   "kms:\n"
		   "  addresses: [ \"192.0.2.2:8446\", \"[2001:db8::2]:8446\" ]\n"
		   "  trust:\n"
		   "    policy: \"/run/postern/policy.yaml\"\n"
		   "    collateral: \"/var/lib/postern/collateral\"\n"
		   "collateral: ");
	memset(c.kms.app, 0xab, sizeof(c.kms.app));
	c.trust.simulated_root = "/run/root.pem";
	assert_has(cert_text(&m, &c), " ]\n  app: \"abababababababababababababababababababab\"\n");
	assert_has(cert_text(&m, &c), "    simulated_root: \"/run/root.pem\"\n");
}

static void cert_by_a_node(void **state)
{
	static struct config_searcher searchers[] = {
		{ .name = "spotter", .url = "https://s/", .kind = 1 },
	};
	struct manifest m = read(ONE ",\"challenges\":[\"dns-01\",\"tls-alpn-01\"],"
				     "\"hook\":\"/hook\"",
				 "");
	struct config c = node();
	struct sock_addr resolver;
	const char *text;

	(void)state;
	assert_true(sock_addr_parse(&resolver, span_str("[2001:db8::1]:5300")));
	c.quotes.simulator = "/tee.sock";
	c.ingress = (struct config_ingress){
		.directory = "https://ca/dir",
		.ca = "/ca.pem",
		.roots = "/roots.pem",
		.resolvers = { &resolver, 1 },
		.anchors = "/anchor.ds",
		.port = 5353,
		.ct.list = "/list",
		.ct.follow = true,
		.ct.interval_ms = 2000,
		.ct.aggregators = { searchers, 1 },
	};
	text = cert_text(&m, &c);
	assert_has(text, "quotes:\n  simulator: \"/tee.sock\"\n");
	assert_has(text, "challenges: [ dns-01, tls-alpn-01 ]\n");
	assert_has(text, "  - directory: \"https://ca/dir\"\n"
			 "    ca: \"/ca.pem\"\n"
			 "    roots: \"/roots.pem\"\n");
	assert_has(text, "  resolvers: [ \"[2001:db8::1]:5300\" ]\n"
			 "  anchors: \"/anchor.ds\"\n"
			 "  port: 5353\n"
			 "  hook: \"/hook\"\n");
	assert_has(text, "ct:\n"
			 "  list: \"/list\"\n"
			 "  follow: true\n"
			 "  interval: 2000ms\n"
			 "  aggregators:\n"
			 "    - name: \"spotter\"\n"
			 "      kind: \"certspotter\"\n"
			 "      url: \"https://s/\"\n");
}

/* What is measured goes before what the node says. */
static void directory_of_the_manifest_wins(void **state)
{
	struct manifest m = read(ONE ",\"directory\":\"https://mine/\"", "");
	struct config c = node();
	const char *text;

	(void)state;
	c.ingress.directory = "https://theirs/";
	text = cert_text(&m, &c);
	assert_has(text, "directory: \"https://mine/\"\n");
	assert_not(text, "theirs");
}

static void a_text_stays_a_text(void **state)
{
	struct manifest m = read(ONE, "");
	struct config c = node();
	const char *text;

	(void)state;
	c.ingress.anchors = "/a\"\nalarm: /bin/sh # \\";
	text = cert_text(&m, &c);
	assert_has(text, "  anchors: \"/a\\\"\\x0aalarm: /bin/sh # \\\\\"\n");
	assert_not(text, "\nalarm");
}

static void a_long_path_is_no_shorter_one(void **state)
{
	char folder[400];
	const struct ingress_places far = { .folder = folder, .state = "/s" };
	struct manifest m = read(ONE, "");
	char text[4096];
	struct wr w = WR_ARRAY(text);

	(void)state;
	memset(folder, 'a', sizeof(folder) - 1);
	folder[sizeof(folder) - 1] = '\0';
	ingress_write_edge(&w, &m, &far);
	assert_true(w.over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_of_one_line),
		cmocka_unit_test(edge_of_more),
		cmocka_unit_test(cert_of_one_line),
		cmocka_unit_test(cert_sealed_by_the_key_service),
		cmocka_unit_test(cert_by_a_node),
		cmocka_unit_test(directory_of_the_manifest_wins),
		cmocka_unit_test(a_text_stays_a_text),
		cmocka_unit_test(a_long_path_is_no_shorter_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

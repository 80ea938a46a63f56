/* agent.yaml of a guest, byte for byte. */
#include "unit.h"

#include <string.h>

#include "guestinit/agentconf.h"

static const char least[] = "node: \"a\"\n"
			    "gateway:\n"
			    "  address: \"192.0.2.1:443\"\n"
			    "  name: \"gateway.example.net\"\n"
			    "manifest: \"/run/postern/manifest.json\"\n"
			    "trust:\n"
			    "  policy: \"/run/postern/policy.yaml\"\n"
			    "  collateral: \"/run/postern/collateral\"\n"
			    "containers:\n"
			    "  socket: \"/run/docker.sock\"\n";

static const char full[] = "node: \"a\"\n"
			   "gateway:\n"
			   "  address: \"192.0.2.1:443\"\n"
			   "  name: \"gateway.example.net\"\n"
			   "  app: \"00112233445566778899aabbccddeeff00112233\"\n"
			   "manifest: \"/run/postern/manifest.json\"\n"
			   "trust:\n"
			   "  policy: \"/run/postern/policy.yaml\"\n"
			   "  collateral: \"/run/postern/collateral\"\n"
			   "  simulated_root: \"/run/postern/simulated-root.pem\"\n"
			   "  source:\n"
			   "    url: \"https://192.0.2.7:8081/sgx\"\n"
			   "kms:\n"
			   "  addresses:\n"
			   "    - \"192.0.2.2:8446\"\n"
			   "    - \"192.0.2.3:8446\"\n"
			   "  app: \"0102030405060708090a0b0c0d0e0f1011121314\"\n"
			   "storage:\n"
			   "  device: \"data\"\n"
			   "  ready: \"/run/postern/storage\"\n"
			   "containers:\n"
			   "  socket: \"/run/docker.sock\"\n";

static const struct manifest_launch launch = {
	.key_service = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 },
};

static struct hostconf made(void)
{
	return (struct hostconf){ .node = "a",
				  .gateway_address = "192.0.2.1:443",
				  .gateway_name = "gateway.example.net" };
}

static void check(const struct hostconf *c, bool has_disk, const char *want)
{
	char text[AGENTCONF_MAX];
	struct wr w = WR_ARRAY(text);
	struct span got;

	agentconf_write(&w, c, &launch, has_disk);
	assert_true(wr_done(&w, &got));
	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void least_and_full_written(void **state)
{
	struct hostconf c = made();

	(void)state;
	check(&c, false, least);
	memcpy(c.gateway_app, "00112233445566778899aabbccddeeff00112233", 41);
	memcpy(c.collateral_url, "https://192.0.2.7:8081/sgx", 27);
	memcpy(c.simulated_root, "x", 2);
	memcpy(c.kms[0], "192.0.2.2:8446", 15);
	memcpy(c.kms[1], "192.0.2.3:8446", 15);
	c.kms_count = 2;
	check(&c, true, full);
}

/* The longest of everything fits. */
static void room_is_enough(void **state)
{
	char text[AGENTCONF_MAX];
	struct wr w = WR_ARRAY(text);
	struct hostconf c = made();

	(void)state;
	memset(c.node, 'a', sizeof(c.node) - 1);
	memset(c.gateway_address, '1', sizeof(c.gateway_address) - 1);
	memset(c.gateway_name, 'a', sizeof(c.gateway_name) - 1);
	memset(c.gateway_app, '0', sizeof(c.gateway_app) - 1);
	memset(c.collateral_url, 'a', sizeof(c.collateral_url) - 1);
	memset(c.simulated_root, 'a', sizeof(c.simulated_root) - 1);
	c.kms_count = HOSTCONF_KMS_MAX;
	for (size_t i = 0; i < c.kms_count; i++)
		memset(c.kms[i], '1', sizeof(c.kms[i]) - 1);
	agentconf_write(&w, &c, &launch, true);
	assert_false(w.over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_and_full_written),
		cmocka_unit_test(room_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What hostconf_read() takes of a host keeps to its alphabets, so that agent.yaml
 * has just the lines that it should; what it refuses it explains. */
#include <stdlib.h>
#include <string.h>

#include "guestinit/agentconf.h"
#include "guestinit/hostconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t count(struct span text, uint8_t byte)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == byte;
	return n;
}

static void try_as(struct span json, bool is_simulated)
{
	char error[HOSTCONF_ERROR_MAX] = "";
	char text[AGENTCONF_MAX];
	struct wr w = WR_ARRAY(text);
	const struct manifest_launch launch = { .key_service = { 1 } };
	struct hostconf c;
	struct span yaml;
	size_t values;

	if (hostconf_read(&c, json, is_simulated, error)) {
		require(error[0] && memchr(error, '\0', sizeof(error)));
		return;
	}
	require(is_simulated == (c.simulated_root[0] != '\0'));
	require(c.kms_count <= HOSTCONF_KMS_MAX && (!c.has_net || c.address.len < 32));
	agentconf_write(&w, &c, &launch, false);
	require(wr_done(&w, &yaml));
	values = 7U + c.kms_count + (c.kms_count > 0) + (c.gateway_app[0] != '\0') + is_simulated +
		 (c.collateral_url[0] != '\0');
	require(count(yaml, '"') == 2 * values);
	require(count(yaml, '\\') == 0 && count(yaml, '\0') == 0);
	require(count(yaml, '\n') ==
		values + 3U + (c.collateral_url[0] != '\0') + 2U * (c.kms_count > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_as(span_of(data, size), false);
	try_as(span_of(data, size), true);
	return 0;
}

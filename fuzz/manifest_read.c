/* What manifest_read() takes is within its bounds and says so; what it refuses
 * it explains. */
#include <stdlib.h>
#include <string.h>

#include "manifest/lineage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span json = span_of(data, size);
	char error[MANIFEST_ERROR_MAX] = "";
	uint8_t app_id[MANIFEST_ID_LEN];
	struct manifest m;

	if (manifest_read(&m, json, error)) {
		require(error[0] && memchr(error, '\0', sizeof(error)));
		return 0;
	}
	manifest_app_id(app_id, json);
	require(span_equal(SPAN_ARRAY(app_id), SPAN_ARRAY(m.app_id)));
	require(m.continues ==
		!span_equal(SPAN_ARRAY(m.lineage), SPAN_ARRAY(m.app_id)));
	require(lineage_of(app_id, json) == RC_OK &&
		span_equal(SPAN_ARRAY(app_id), SPAN_ARRAY(m.lineage)));
	require(m.name[0] && strlen(m.name) <= 63);
	require(m.port_count <= MANIFEST_PORTS_MAX && m.domain_count <= MANIFEST_DOMAINS_MAX);
	for (size_t i = 0; i < m.port_count; i++) {
		require(m.ports[i].port > 0);
		require((m.ports[i].check != MANIFEST_NO_CHECK) == (m.ports[i].interval_s > 0));
		require((m.ports[i].check == MANIFEST_CHECK_HTTP) == (m.ports[i].path[0] == '/'));
		require(!strpbrk(m.ports[i].path, " \r\n"));
		for (size_t k = 0; k < i; k++)
			require(m.ports[k].port != m.ports[i].port);
	}
	for (size_t i = 0; i < m.domain_count; i++)
		require(strlen(m.domains[i]) <= 253 && strchr(m.domains[i], '.'));
	require(m.ingress.domain_count <= INGRESS_DOMAINS_MAX);
	for (size_t i = 0; i < m.ingress.domain_count; i++)
		require(m.ingress.domains[i].backend > 0 && domain_is(m.ingress.domains[i].name));
	require(m.ingress.domain_count == 0 || (m.lists_domains && m.ingress.challenge_count > 0));
	require(!strpbrk(m.ingress.hook, "\"\\\n") && !strpbrk(m.ingress.directory, "\"\\\n"));
	for (size_t i = 0; m.guest && i < m.guest->container_count; i++) {
		const struct guest_container *c = &m.guest->containers[i];

		require(c->name[0] && !strpbrk(c->name, "/\"\n"));
		require(c->rule_count <= GUEST_RULES_MAX);
		for (size_t k = 0; k < c->rule_count; k++)
			require(guest_allows(c, c->rules[k].right, span_str(c->rules[k].path)));
	}
	for (size_t i = 0; m.guest && i < m.guest->env_count; i++)
		require(guest_is_env_name(span_str(m.guest->envs[i])));
	manifest_fini(&m);
	return 0;
}

/*
 * A Compose file that is accepted makes a manifest that its reader accepts,
 * with the same ports; what is refused says where and changes nothing.
 */
#include <assert.h>
#include <string.h>

#include "compose/app.h"

static void check_manifest(const struct compose *c, struct span text)
{
	struct app app = { .name = "a", .compose = text, .read = c };
	char error[MANIFEST_ERROR_MAX] = "";
	struct buf out = { 0 };
	struct manifest m;
	enum rc rc;

	buf_init(&out, MANIFEST_MAX);
	rc = app_manifest(&out, &app, error);
	if (rc == RC_OK) {
		assert(manifest_read(&m, buf_span(&out), error) == RC_OK);
		assert(m.port_count == c->port_count);
		assert(span_equal_str(text, m.compose));
		for (size_t i = 0; i < m.port_count; i++) {
			assert(m.ports[i].port == c->ports[i].port);
			assert(m.ports[i].protocol == c->ports[i].protocol);
		}
		manifest_fini(&m);
	} else {
		/* Domains are judged by the manifest's reader alone. */
		assert(rc == RC_LIMIT || c->domain_count > 0);
		assert(error[0] && out.n == 0);
	}
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max = COMPOSE_ARENA_MAX };
	char error[COMPOSE_ERROR_MAX] = "";
	struct compose c = { .service_count = 77 };
	struct span text = span_of(data, size);
	enum rc rc = compose_read(&c, &arena, "f", text, error);

	assert(arena.used <= arena.max);
	if (rc) {
		assert(strncmp(error, "f:", 2) == 0 && memchr(error, 0, sizeof(error)));
		assert(c.service_count == 77);
	} else {
		assert(c.service_count >= 1 && c.service_count <= COMPOSE_SERVICES_MAX);
		assert(c.image_count >= 1 && c.image_count <= c.service_count);
		check_manifest(&c, text);
	}
	arena_fini(&arena);
	return 0;
}

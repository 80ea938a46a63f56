/* world: what a gateway is told of the Internet it gets its certificate from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/world.h"
#include "io/file.h"

struct fixture {
	struct arena arena;
	struct cloud_gateway gateways[2];
	struct cloud cloud;
	struct plan plan;
	char folder[32], error[PLAN_ERROR_MAX];
};

static void start(struct fixture *f)
{
	struct plan_places places = { .run = "/nonexistent", .bin = "/nonexistent" };

	*f = (struct fixture){
		.gateways = { { .name = "gw", .address = "198.51.100.1", .is_public = true },
			      { .name = "other", .address = "198.51.100.2" } },
		.folder = "/tmp/pt-world-XXXXXX",
	};
	arena_init(&f->arena, 1024 * 1024);
	assert_non_null(mkdtemp(f->folder));
	places.state = f->folder;
	f->cloud = (struct cloud){ .name = "t",
				   .base = "postern.localhost",
				   .world = "/w.py",
				   .gateways = { .items = f->gateways, .count = 2 } };
	plan_make(&f->plan, &f->cloud, &places, &f->arena);
}

static void end(struct fixture *f)
{
	assert_int_equal(fmt_remove_tree(f->folder), RC_OK);
	arena_fini(&f->arena);
}

static void put(struct fixture *f, const char *name, const char *text)
{
	const char *path = fmt(&f->arena, "%s/%s", f->folder, name);
	const char *slash = strrchr(path, '/');

	assert_int_equal(file_make_dirs(fmt(&f->arena, "%.*s", (int)(slash - path), path), 0755),
			 RC_OK);
	assert_int_equal(fmt_file(path, 0644, text), RC_OK);
}

static void expect(struct fixture *f, const char *name, const char *part)
{
	AUTO(buf_fini)
	struct buf b = { 0 };

	buf_init(&b, 64 * 1024);
	assert_int_equal(file_read(&b, fmt(&f->arena, "%s/%s", f->folder, name)), RC_OK);
	assert_true(buf_add(&b, span_of("", 1)));
	assert_non_null(strstr((const char *)buf_span(&b).p, part));
}

static void make_world(struct fixture *f)
{
	static const char *const files[] = {
		"world/transport/transport.pem",
		"world/ca/roots.pem",
		"world/dns/anchor.ds",
		"world/ct/log_list.json",
		"world/ct/log_list.sig",
		"world/ct/log_list.pub",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		put(f, files[i], files[i]);
}

static void gateway_is_told(void **state)
{
	struct fixture f;
	const struct machine *gw;
	struct stat st;

	(void)state;
	start(&f);
	gw = &f.plan.machines[PLAN_FIRST_NODE];
	make_world(&f);
	put(&f, "world/dns/keys.json",
	    "{\"full.\": {\"secret\": \"QUFB\"}, \"challenge.\": {\"secret\": \"QkJC\"}}");
	assert_int_equal(world_settle(&f.plan, gw, f.error), RC_OK);
	expect(&f, "ca.pem", "world/ca/roots.pem");
	expect(&f, "gw/etc/postern/world/acme-ca.pem", "transport.pem");
	/* The key that may write TXT and CAA alone, for its owner alone. */
	expect(&f, "gw/etc/postern/world/tsig", "QkJC\n");
	assert_int_equal(stat(fmt(&f.arena, "%s/gw/etc/postern/world/tsig", f.folder), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	expect(&f, "gw/etc/postern/cert.yaml",
	       "names: [ \"*.postern.localhost\", gateway.postern.localhost ]\n");
	end(&f);
}

/* What is on the stack below the caller is no zero afterwards. */
static void soil_stack(void)
{
	volatile unsigned char bytes[4096];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0xa5;
}

static void ingress_without_world_is_nothing(void **state)
{
	struct fixture f;
	const char *text = "x";

	(void)state;
	start(&f);
	f.cloud.world = NULL;
	soil_stack();
	assert_int_equal(world_settle_ingress(&text, &f.plan, &f.plan.machines[PLAN_FIRST_NODE],
					      f.error),
			 RC_OK);
	assert_string_equal(text, "");
	end(&f);
}

static void world_without_key_is_named(void **state)
{
	static const char *const wrong[] = { "{", "{}", "{\"full.\": {\"secret\": \"QUFB\"}}" };
	struct fixture f;

	(void)state;
	start(&f);
	make_world(&f);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put(&f, "world/dns/keys.json", wrong[i]);
		assert_int_equal(world_settle(&f.plan, &f.plan.machines[PLAN_FIRST_NODE], f.error),
				 RC_MALFORMED);
		assert_non_null(strstr(f.error, "keys.json: no key challenge."));
	}
	end(&f);
}

static void world_before_is_gone(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	put(&f, "world/world.json", "{}");
	put(&f, "gw/lib/postern/cert/audit.jsonl", "");
	put(&f, "gw/lib/postern/store/seed", "");
	assert_int_equal(world_prepare(&f.plan, f.error), RC_OK);
	assert_int_equal(access(fmt(&f.arena, "%s/world", f.folder), F_OK), -1);
	assert_int_equal(access(fmt(&f.arena, "%s/gw/lib/postern/cert", f.folder), F_OK), -1);
	assert_int_equal(access(fmt(&f.arena, "%s/gw/lib/postern/store/seed", f.folder), F_OK), 0);
	expect(&f, "world.records", "\n*.postern.localhost. 60 A 198.51.100.1\n");
	end(&f);
}

static const char *service_of(const struct machine *m, const char *name)
{
	for (size_t i = 0; i < m->spec.service_count; i++)
		if (strcmp(m->spec.services[i].name, name) == 0)
			return m->spec.services[i].argv[0];
	return NULL;
}

static void only_the_public_gateway_is_certified(void **state)
{
	struct plan_places places = { .run = "/nonexistent", .bin = "/nonexistent" };
	struct fixture f;

	(void)state;
	start(&f);
	places.state = f.folder;
	assert_string_equal(service_of(&f.plan.machines[PLAN_HOSTILE], "world"), "/w.py");
	assert_non_null(service_of(&f.plan.machines[PLAN_FIRST_NODE], "cert"));
	assert_null(service_of(&f.plan.machines[PLAN_FIRST_NODE + 1], "cert"));
	f.cloud.world = NULL;
	plan_make(&f.plan, &f.cloud, &places, &f.arena);
	assert_null(service_of(&f.plan.machines[PLAN_HOSTILE], "world"));
	assert_null(service_of(&f.plan.machines[PLAN_FIRST_NODE], "cert"));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gateway_is_told),
		cmocka_unit_test(ingress_without_world_is_nothing),
		cmocka_unit_test(world_without_key_is_named),
		cmocka_unit_test(world_before_is_gone),
		cmocka_unit_test(only_the_public_gateway_is_certified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The custom domains of a cloud: found in manifests, as zones and records. */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "cli/domains.h"
#include "folder.h"
#include "io/file.h"

enum {
	CVMS = 4,
};

struct fixture {
	struct folder folder;
	struct arena arena;
	char *paths[CVMS];
	struct cloud_cvm cvms[CVMS];
	struct cloud cloud;
	struct domains domains;
};

static void put(struct fixture *f, size_t i, const char *file, const char *text)
{
	char path[128];

	f->paths[i] = arena_dup(&f->arena, span_str(folder_file(path, &f->folder, file)));
	f->cvms[i].manifest = f->paths[i];
	if (text)
		assert_int_equal(file_replace(f->paths[i], span_str(text), 0600), RC_OK);
}

#define MANIFEST(name, more) "{\"manifest_version\":2,\"name\":\"" name "\"" more "}"

static void setup(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	folder_make(&f->folder);
	arena_init(&f->arena, 65536);
	put(f, 0, "a.json",
	    MANIFEST("a", ",\"ingress\":{\"domains\":[\"www.shop.example\",\"example.org\"],"
			  "\"backend\":80}"));
	put(f, 1, "b.json",
	    MANIFEST("b", ",\"ingress\":{\"domains\":[\"*.shop.example\",\"x.base.test\"],"
			  "\"backend\":80,\"challenges\":[\"dns-persist-01\"]}"));
	put(f, 2, "plain.json", MANIFEST("c", ",\"domains\":[\"other.example\"]"));
	put(f, 3, "absent.json", NULL);
	f->cloud.cvms = (struct conf_list){ f->cvms, CVMS };
	domains_of(&f->domains, &f->cloud, &f->arena);
}

static void teardown(struct fixture *f)
{
	arena_fini(&f->arena);
	folder_remove(&f->folder);
}

static void those_of_ingresses_are_found(void **state)
{
	static const char *const names[] = { "www.shop.example", "example.org", "*.shop.example",
					     "x.base.test" };
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(f.domains.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(f.domains.at[i].name, names[i]);
		assert_int_equal(strlen(f.domains.at[i].app), 40);
	}
	assert_string_equal(f.domains.at[0].app, f.domains.at[1].app);
	assert_string_not_equal(f.domains.at[1].app, f.domains.at[2].app);
	assert_true(domains_has(f.paths[0]));
	assert_false(domains_has(f.paths[2]));
	assert_false(domains_has(f.paths[3]));
	teardown(&f);
}

static void zones_come_once_and_without_the_base(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_string_equal(domains_zones(&f.domains, "base.test", &f.arena),
			    "shop.example\nexample.org\n");
	assert_string_equal(domains_zones(&f.domains, "other.test", &f.arena),
			    "shop.example\nexample.org\nbase.test\n");
	teardown(&f);
}

static void records_lead_to_the_gateway_and_name_the_app(void **state)
{
	const char *text;
	struct fixture f;
	char want[256];

	(void)state;
	setup(&f);
	text = domains_records(&f.domains, "198.51.100.1", &f.arena);
	(void)snprintf(want, sizeof(want),
		       "www.shop.example. 60 A 198.51.100.1\n"
		       "_postern.www.shop.example. 60 TXT \"%s:443\"\n",
		       f.domains.at[0].app);
	assert_non_null(strstr(text, want));
	(void)snprintf(want, sizeof(want),
		       "*.shop.example. 60 A 198.51.100.1\n"
		       "_dstack-app-address-wildcard.shop.example. 60 TXT \"%s:443\"\n",
		       f.domains.at[2].app);
	assert_non_null(strstr(text, want));
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_ingresses_are_found),
		cmocka_unit_test(zones_come_once_and_without_the_base),
		cmocka_unit_test(records_lead_to_the_gateway_and_name_the_app),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

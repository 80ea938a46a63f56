/* What a host gives, against what the measured manifest asks for. */
#include "unit.h"

#include <string.h>

#include "guestinit/hostfiles.h"

#define APP "0f00112233445566778899aabbccddeeff00111e"
#define BEGIN "{\"manifest_version\":2,\"name\":\"x\""
#define TRUST ",\"trust\":\"tcb:\\n  accept: [UpToDate]\\n\""

static const struct {
	const char *manifest;
	size_t kms_count;
	bool has_disk;
	enum rc rc;
	const char *why;
} cases[] = {
	{ BEGIN TRUST "}", 0, false, RC_OK, "" },
	{ BEGIN TRUST "}", 0, true, RC_OK, "" },
	{ BEGIN "}", 0, false, RC_MALFORMED, "manifest: trust: missing" },
	/* the host would choose whose it is */
	{ BEGIN TRUST "}", 1, true, RC_DENIED, "config: kms: the manifest names no key_service" },
	{ BEGIN TRUST ",\"key_service\":\"" APP "\"}", 1, true, RC_OK, "" },
	{ BEGIN TRUST ",\"key_service\":\"" APP "\"}", 0, false, RC_OK, "" },
	{ BEGIN TRUST ",\"storage\":{}}", 0, true, RC_OK, "" },
	{ BEGIN TRUST ",\"storage\":{}}", 0, false, RC_DENIED,
	  "manifest: storage: the host gives no disk \"data\"" },
};

static void the_manifest_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hostfiles f = { .has_disk = cases[i].has_disk };
		char why[MANIFEST_ERROR_MAX] = "", error[KERNEL_ERROR_MAX] = "";
		struct manifest m;
		enum rc rc;

		f.conf.kms_count = cases[i].kms_count;
		if (manifest_read(&m, span_str(cases[i].manifest), why) ||
		    manifest_launch_read(&f.launch, span_str(cases[i].manifest), why))
			fail_msg("%zu: %s", i, why);
		rc = hostfiles_agree(&f, &m, error);
		if (rc != cases[i].rc || strcmp(error, cases[i].why) != 0)
			fail_msg("%zu: %s, %s", i, rc_name(rc), error);
		manifest_fini(&m);
		hostfiles_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manifest_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * firmware: RTMR0 of real guests, event by event, from their firmware's parts;
 * the separator's place; what an input that is missing or a store with keys in
 * it does.
 *
 * The digests are those of tests/vectors/tdx: dstack/quote-report.json (64 GiB,
 * its register signed by Intel's hardware), eventlog/ccel_ovmf.bin (2 GiB),
 * eventlog/ccel_dstack.bin (its memory is not known: its hand-off blocks are
 * taken from the log).
 */
#include "unit.h"

#include "base/text.h"
#include "measure/firmware.h"
#include "measure/linux.h"
#include "tdvf_image.h"
#include "vectors.h"

#define STORE "/usr/share/OVMF/OVMF_VARS_4M.fd"
#define STORE_WITH_KEYS "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"

static struct sha384 digest_of(const char *hex)
{
	struct sha384 d;

	assert_true(text_hex_decode(d.b, 48, span_str(hex)));
	return d;
}

static void assert_digest(const struct sha384 *got, const char *want)
{
	struct sha384 d = digest_of(want);

	assert_memory_equal(got->b, d.b, 48);
}

/* clang-format off */
static const struct {
	const char *name;
	enum firmware_layout layout;
	uint64_t memory;
	const char *loader, *rsdp, *tables;
	const char *hob; /* as the log has it */
	bool is_memory_known;
	const char *rtmr0;
} guests[] = {
	{ "dstack_quote", FIRMWARE_OVMF, UINT64_C(64) << 30,
	  "2065dd48d647e4377db277ba203526901a17845e93e0df4c2dfc3ce136e09103"
	  "24ead1e1c86b8d90c2acdf9c85ffac53",
	  "772b0169c66b52e4453fff9e3c6257635ea950ebcc8edd7ef2e2f8241cf6a155"
	  "f39df01a7c7a194b6bc0abe5de11861d",
	  "abfb2256644b5786eefdcb92303d2008c36cb9500d98997e215ef5080745d4bf"
	  "2e5b3629090918e193e7f05b173d48c5",
	  "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2a"
	  "de19b6a62a203fc3c3bbdaae80af596d", true,
	  "2e3843265f8ecdd4e2282694747f6f2f111605c33f2a8882f5734ee6f3a6ce63"
	  "d8f34aeef06093dcda76fa5f9d33d8d6" },
	{ "ccel_ovmf", FIRMWARE_OVMF_SEPARATOR0, UINT64_C(2) << 30,
	  "8db40217f1584456a532cd21ac440c8ee2204d497797a70b972d360a5eb2fde1"
	  "be58be6fd9c6ea8ddac235f4db29a42c",
	  "379c9de60d0dd6862394273f66ad30e8707ba61b601e379e9c4718a026e06c66"
	  "f78a5d98d3fd147b06d9398ccd4174ef",
	  "2213f7791b826d9e60cde6158fb77ae4ddaaf52bf58304c0c0d1350e374a6403"
	  "7b3e69e8759371b02b09fe904ece0718",
	  "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fd"
	  "acbb37948f821ebaf8bc9c938ba8a749", true,
	  "8566f998798db09443b244c62de9a3041fb02e2e6936c4396d784bba2e901773"
	  "29ec5aba3bb484404f2ab9cc90abe193" },
	{ "ccel_dstack", FIRMWARE_OVMF, UINT64_C(2) << 30,
	  "68cd79315e70aecd4afe7c1b23a5ed7b3b8e51a477e1739f111b3156def86bbc"
	  "56ebf239dcd4591bc7a9fff90023f481",
	  "6bc203b3843388cc4918459c3f5c6d1300a796fb594781b7ecfaa3ae7456975f"
	  "095bfcc1156c9f2d25e8b8bc1b520f66",
	  "444cf35d277a7b6049faf4ff23165e256e716eaad4650aeef6afae8e2dca3359"
	  "b40c1b2eb997c5568f956616310c9147",
	  "2b630fa1d8fa9b6e8c6507d2256803ed227888f7d1f62ca5cfbddfe495338b1c"
	  "6a0fc339ea64700f0835c0897a662789", false,
	  "274c2344116db7c663470693b5ba62b8621eac28cb41d2f816ddf188f9f423f9"
	  "00a1c44d32386fd3c993dc814e62af9d" },
};
/* clang-format on */

/* What all three logs have besides. */
static const char *const common[] = {
	"344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6"
	"412af21c097d473155875ffd561d6790",
	"9dc3a1f80bcec915391dcda5ffbb15e7419f77eab462bbf72b42166fb70d5032"
	"5e37b36f93537a863769bcf9bedae6fb",
	"6f2e3cbc14f9def86980f5f66fd85e99d63e69a73014ed8a5633ce56eca5b64b"
	"692108c56110e22acadcef58c3250f1b",
	"d607c0efb41c0d757d69bca0615c3a9ac0b1db06c557d992e906c6b7dee40e0e"
	"031640c7bfd7bcd35844ef9edeadc6f9",
	"08a74f8963b337acb6c93682f934496373679dd26af1089cb4eaf0c30cf260a1"
	"2e814856385ab8843e56a9acea19e127",
	"18cc6e01f0c6ea99aa23f8a280423e94ad81d96d0aeb5180504fc0f7a40cb361"
	"9dd39bd6a95ec1680a86ed6ab0f9828d",
	"394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae4101"
	"9f5818b4b971c9effc60e1ad9f1289f0",
};
static const char boot_order[] =
	"1dd6f7b457ad880d840d41c961283bab688e94e4b59359ea45686581e90fecce"
	"a3c624b1226113f824f315eb60ae0a7c";
static const char boot0000[] =
	"23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28e"
	"acf7047ae6e967c58fd2a98bfa74c298";

struct world {
	struct span store;
	struct image image;
	struct tdvf tdvf;
};

static void world_init(struct world *w, const char *store)
{
	w->store = vector_load(store);
	w->image = image_make(w->store);
	assert_int_equal(tdvf_read(&w->tdvf, image_span(&w->image)), RC_OK);
}

static void world_fini(struct world *w)
{
	vector_free(w->store);
	free(w->image.p);
}

static void rtmr0_of_real_guests(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, STORE);
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct sha384 loader = digest_of(guests[i].loader);
		struct sha384 rsdp = digest_of(guests[i].rsdp);
		struct sha384 tables = digest_of(guests[i].tables), rtmr0;
		const struct firmware_boot b = {
			.layout = guests[i].layout,
			.image = &w.tdvf,
			.memory = guests[i].memory,
			.input = { &loader, &rsdp, &tables },
		};
		bool has_separator = guests[i].layout == FIRMWARE_OVMF_SEPARATOR0;
		struct bootlog log = { 0 };

		print_message("%s\n", guests[i].name);
		assert_int_equal(firmware_events(&log, &b), RC_OK);
		assert_int_equal(log.count, has_separator ? 14 : 13);
		if (!guests[i].is_memory_known)
			log.event[0].digest = digest_of(guests[i].hob);
		assert_digest(&log.event[0].digest, guests[i].hob);
		for (size_t k = 0; k < 7; k++)
			assert_digest(&log.event[1 + k].digest, common[k]);
		for (size_t k = 0; k < log.count; k++)
			assert_int_equal(log.event[k].is_given, k >= 8 && k < 11);
		assert_digest(&log.event[11].digest, boot_order);
		assert_digest(&log.event[12].digest, boot0000);
		bootlog_replay(&rtmr0, &log, 0);
		assert_digest(&rtmr0, guests[i].rtmr0);
	}
	world_fini(&w);
}

/* The kernel's event of ccel_ovmf.bin leads to its RTMR1, without a separator. */
static void rtmr1_of_the_earlier_layout(void **state)
{
	struct sha384 kernel = digest_of("a2ccae1e7d6c668ca325bb09c882d8ce44d26d714ba6f58d"
					 "2e8083fe291a704646afe24a2368bca3341728d78ec80a80");
	struct bootlog log = { 0 };
	struct sha384 rtmr1;

	(void)state;
	assert_true(firmware_separates_rtmr1(FIRMWARE_OVMF));
	assert_true(firmware_separates_rtmr1(FIRMWARE_OVMF_202505));
	linux_rtmr1_events(&log, &kernel, firmware_separates_rtmr1(FIRMWARE_OVMF_SEPARATOR0));
	bootlog_replay(&rtmr1, &log, 1);
	assert_digest(&rtmr1, "775b9f6bfe99f8a31396f0d0218e67ffa796d3b96ccf961cbb0deba48c79c00f"
			      "082cda1a5567c1c16305f1fc210c13c6");
}

/* Boot variables: as edk2 2025.08 measures them (outside of TDX, in PCR 1). */
static void layout_of_202505(void **state)
{
	static const char *const names[] = {
		"td-hob",
		"variable-store",
		"boot-menu",
		"boot-devices",
		"SecureBoot",
		"PK",
		"KEK",
		"db",
		"dbx",
		"separator",
		"acpi-loader",
		"acpi-rsdp",
		"acpi-tables",
		"variable-authority",
		"BootOrder",
		"Boot0000",
		"Boot0001",
	};
	struct sha384 given = { { 1 } };
	struct bootlog log = { 0 };
	struct firmware_boot b = { .layout = FIRMWARE_OVMF_202505, .memory = 1 << 30 };
	struct world w;

	(void)state;
	world_init(&w, STORE);
	b.image = &w.tdvf;
	for (size_t i = 0; i < FIRMWARE_INPUT_COUNT; i++)
		b.input[i] = &given;
	assert_int_equal(firmware_events(&log, &b), RC_OK);
	assert_int_equal(log.count, 17);
	for (size_t i = 0; i < log.count; i++) {
		assert_string_equal(log.event[i].name, names[i]);
		assert_int_equal(log.event[i].is_given, i >= 10 && i <= 13);
	}
	assert_digest(&log.event[14].digest,
		      "52b9a02de946b947364b57d8210c63113b9058996e2a3ba7cead54af11ae0873"
		      "b085d1e52bc01e4febe57ca05ca1332b");
	assert_digest(&log.event[15].digest,
		      "5068e6a9ded2a1c3a8ebb5d26004410ea8670742d8f444c5c3d161b76c66fa23"
		      "a7b1d2fb3f9840570b675384b5818f2d");
	assert_digest(&log.event[16].digest,
		      "dd424f2eeb35f3e8a2c2f50f6cc87ff90b7577e92ce63e13a22869d07d104fd5"
		      "ea9800e6e4f12c5058fc4eaa78374f20");
	world_fini(&w);
}

static void layouts_by_name(void **state)
{
	enum firmware_layout found = FIRMWARE_OVMF;

	(void)state;
	for (int i = 0; i < FIRMWARE_LAYOUT_COUNT; i++) {
		enum firmware_layout layout = (enum firmware_layout)i;

		assert_true(firmware_layout_find(&found, firmware_layout_name(layout)));
		assert_int_equal(found, layout);
		assert_true(firmware_needs(layout, FIRMWARE_ACPI_LOADER));
		assert_int_equal(firmware_needs(layout, FIRMWARE_AUTHORITY),
				 layout == FIRMWARE_OVMF_202505);
	}
	assert_false(firmware_layout_find(&found, "ovm"));
	assert_false(firmware_layout_find(&found, ""));
	assert_int_equal(found, FIRMWARE_OVMF_202505);
}

static void refusals(void **state)
{
	static const struct {
		const char *name, *store;
		uint64_t memory;
		unsigned missing; /* of the inputs; FIRMWARE_AUTHORITY: not needed */
		enum rc want;
	} cases[] = {
		{ "all_there", STORE, 1 << 30, FIRMWARE_AUTHORITY, RC_OK },
		{ "no_loader_denied", STORE, 1 << 30, FIRMWARE_ACPI_LOADER, RC_DENIED },
		{ "no_rsdp_denied", STORE, 1 << 30, FIRMWARE_ACPI_RSDP, RC_DENIED },
		{ "no_tables_denied", STORE, 1 << 30, FIRMWARE_ACPI_TABLES, RC_DENIED },
		{ "little_memory_a_limit", STORE, 1 << 20, FIRMWARE_AUTHORITY, RC_LIMIT },
		{ "keys_unsupported", STORE_WITH_KEYS, 1 << 30, FIRMWARE_AUTHORITY,
		  RC_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct firmware_boot b = { .memory = cases[i].memory };
		struct sha384 given = { { 1 } };
		struct bootlog log = { 0 };
		struct world w;

		print_message("%s\n", cases[i].name);
		world_init(&w, cases[i].store);
		b.image = &w.tdvf;
		for (size_t k = 0; k < FIRMWARE_INPUT_COUNT; k++)
			b.input[k] = k == cases[i].missing ? NULL : &given;
		assert_int_equal(firmware_events(&log, &b), cases[i].want);
		assert_int_equal(log.count == 0, cases[i].want != RC_OK);
		world_fini(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtmr0_of_real_guests),
		cmocka_unit_test(rtmr1_of_the_earlier_layout),
		cmocka_unit_test(layout_of_202505),
		cmocka_unit_test(layouts_by_name),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * snp: real reports read and written again; made ones of each version; every
 * reserved bit and byte; every length but the right one; TCB layouts.
 */
#include "unit.h"

#include <string.h>

#include "tee/kind.h"
#include "tee/snp.h"
#include "vectors.h"

#define REPORTS "tests/vectors/snp/reports/"

static void put(uint8_t *b, size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		b[at + i] = (uint8_t)(v >> 8 * i);
}

/* Every field has bytes of its own. */
static void make(uint8_t b[SNP_REPORT_LEN], uint32_t version)
{
	memset(b, 0, SNP_REPORT_LEN);
	put(b, 0x000, version, 4);
	put(b, 0x004, 0x01020304, 4);
	put(b, 0x008, 0x30000 | 0x0137, 8);
	memset(b + 0x010, 0x11, 16);
	memset(b + 0x020, 0x12, 16);
	put(b, 0x030, 2, 4);
	put(b, 0x034, 1, 4);
	put(b, 0x038, UINT64_C(0xd815000000000004), 8);
	put(b, 0x040, 0xa5, 8);
	put(b, 0x048, 0x7, 4); /* VLEK, masked, author key */
	memset(b + 0x050, 0x13, 64);
	memset(b + 0x090, 0x14, 48);
	memset(b + 0x0c0, 0x15, 32);
	memset(b + 0x0e0, 0x16, 48);
	memset(b + 0x110, 0x17, 48);
	memset(b + 0x140, 0x18, 32);
	memset(b + 0x160, 0x19, 32);
	put(b, 0x180, UINT64_C(0xd115000000000003), 8);
	if (version >= 3)
		put(b, 0x188, 0x021119, 3);
	memset(b + 0x1a0, 0x1a, 64);
	put(b, 0x1e0, UINT64_C(0xd215000000000003), 8);
	put(b, 0x1e8, 0x013704, 3);
	put(b, 0x1ec, 0x013603, 3);
	put(b, 0x1f0, UINT64_C(0xd315000000000003), 8);
	if (version >= 5) {
		put(b, 0x1f8, UINT64_C(0x8000000000000001), 8);
		put(b, 0x200, UINT64_C(0x4000000000000003), 8);
	}
	for (uint8_t i = 0; i < 48; i++) {
		b[0x2a0 + i] = (uint8_t)(i + 1);
		b[0x2e8 + i] = (uint8_t)(i + 101);
	}
}

static void assert_identity(struct span bytes)
{
	uint8_t room[SNP_REPORT_LEN];
	struct wr w = WR_ARRAY(room);
	struct snp_report r;

	assert_int_equal(snp_parse(&r, bytes), TEE_OK);
	snp_write(&w, &r);
	assert_true(span_equal(wr_span(&w), bytes));
}

static void real_reports(void **state)
{
	static const struct {
		const char *name;
		uint64_t policy, current, reported;
		uint8_t measured, chip; /* first bytes */
	} cases[] = {
		{ REPORTS "milan_trustee.bin", 0x3001f, UINT64_C(0xce08000000000003),
		  UINT64_C(0x7308000000000003), 0xa1, 0xc3 },
		{ REPORTS "milan_google.bin", 0xb0000, UINT64_C(0x4405000000000002),
		  UINT64_C(0x4405000000000002), 0xb0, 0x3a },
		{ REPORTS "milan_virtee.bin", 0x30000, UINT64_C(0x7308000000000003),
		  UINT64_C(0x7308000000000003), 0x7a, 0xd4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span bytes = vector_load(cases[i].name);
		struct snp_report r;

		print_message("%s\n", cases[i].name);
		assert_int_equal(tee_kind_of(bytes), TEE_KIND_SNP);
		assert_int_equal(snp_parse(&r, bytes), TEE_OK);
		assert_int_equal(r.version, 2);
		assert_true(r.policy == cases[i].policy);
		assert_true(r.current_tcb == cases[i].current);
		assert_true(r.reported_tcb == cases[i].reported);
		assert_true(r.committed_tcb == cases[i].reported);
		assert_true(r.launch_tcb == cases[i].reported);
		assert_int_equal(r.signing_key, SNP_VCEK);
		assert_int_equal(r.vmpl, 0);
		assert_int_equal(r.measurement.p[0], cases[i].measured);
		assert_int_equal(r.chip_id.p[0], cases[i].chip);
		assert_identity(bytes);
		vector_free(bytes);
	}
}

static void all_fields(void **state)
{
	static const uint32_t versions[] = { 2, 3, 5 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint32_t v = versions[i];
		uint8_t b[SNP_REPORT_LEN];
		struct snp_report r;

		make(b, v);
		assert_int_equal(snp_parse(&r, SPAN_ARRAY(b)), TEE_OK);
		assert_identity(SPAN_ARRAY(b));
		assert_int_equal(r.version, v);
		assert_int_equal(r.guest_svn, 0x01020304);
		assert_true(r.policy == 0x30137);
		assert_true(r.family_id.p == b + 0x10 && r.image_id.p == b + 0x20);
		assert_int_equal(r.vmpl, 2);
		assert_true(r.current_tcb == UINT64_C(0xd815000000000004));
		assert_true(r.platform_info == 0xa5);
		assert_true(r.author_key_en && r.mask_chip_key);
		assert_int_equal(r.signing_key, SNP_VLEK);
		assert_true(r.report_data.p == b + 0x50 && r.report_data.n == 64);
		assert_true(r.measurement.p == b + 0x90 && r.measurement.n == 48);
		assert_true(r.host_data.p == b + 0xc0 && r.host_data.n == 32);
		assert_true(r.id_key_digest.p == b + 0xe0 && r.id_key_digest.n == 48);
		assert_true(r.author_key_digest.p == b + 0x110);
		assert_true(r.report_id.p == b + 0x140 && r.report_id_ma.p == b + 0x160);
		assert_true(r.reported_tcb == UINT64_C(0xd115000000000003));
		assert_int_equal(r.cpu_family, v >= 3 ? 0x19 : 0);
		assert_int_equal(r.cpu_model, v >= 3 ? 0x11 : 0);
		assert_int_equal(r.cpu_stepping, v >= 3 ? 0x02 : 0);
		assert_true(r.chip_id.p == b + 0x1a0 && r.chip_id.n == 64);
		assert_true(r.committed_tcb == UINT64_C(0xd215000000000003));
		assert_int_equal(r.current.build, 4);
		assert_int_equal(r.current.minor, 0x37);
		assert_int_equal(r.current.major, 1);
		assert_int_equal(r.committed.build, 3);
		assert_true(r.launch_tcb == UINT64_C(0xd315000000000003));
		assert_true(r.launch_mitigations == (v >= 5 ? UINT64_C(0x8000000000000001) : 0));
		assert_true(r.current_mitigations == (v >= 5 ? UINT64_C(0x4000000000000003) : 0));
		assert_int_equal(r.signature.rs[0], 48);
		assert_int_equal(r.signature.rs[47], 1);
		assert_int_equal(r.signature.rs[48], 148);
		assert_int_equal(r.signature.rs[95], 101);
		assert_true(r.signed_region.p == b && r.signed_region.n == SNP_SIGNED_LEN);
	}
}

/* Bytes that must be zero, in every version or from one on. */
static void reserved_bytes(void **state)
{
	static const struct {
		size_t from, to; /* to: not included */
		uint32_t versions; /* bit n: version n */
	} ranges[] = {
		{ 0x04c, 0x050, 0x2c },
		{ 0x188, 0x18b, 0x04 },
		{ 0x18b, 0x1a0, 0x2c },
		{ 0x1eb, 0x1ec, 0x2c },
		{ 0x1ef, 0x1f0, 0x2c },
		{ 0x1f8, 0x208, 0x0c },
		{ 0x208, 0x2a0, 0x2c },
		{ 0x2d0, 0x2e8, 0x2c },
		{ 0x318, 0x4a0, 0x2c },
	};
	static const uint32_t versions[] = { 2, 3, 5 };

	(void)state;
	for (size_t v = 0; v < 3; v++) {
		bool is_reserved[SNP_REPORT_LEN] = { false };

		for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
			for (size_t at = ranges[i].from; at < ranges[i].to; at++)
				is_reserved[at] = ranges[i].versions >> versions[v] & 1;
		for (size_t at = 0x4c; at < SNP_REPORT_LEN; at++) {
			uint8_t b[SNP_REPORT_LEN];
			struct snp_report r = { .version = 99 };

			make(b, versions[v]);
			b[at] ^= 0x80;
			assert_int_equal(snp_parse(&r, SPAN_ARRAY(b)),
					 is_reserved[at] ? TEE_SNP_RESERVED : TEE_OK);
			assert_int_equal(r.version == 99, is_reserved[at]);
		}
	}
}

static void head(void **state)
{
	static const struct {
		const char *name;
		size_t at, n;
		uint64_t value;
		enum tee_reason want;
	} cases[] = {
		{ "version_0", 0, 4, 0, TEE_SNP_VERSION },
		{ "version_1", 0, 4, 1, TEE_SNP_VERSION },
		{ "version_4", 0, 4, 4, TEE_SNP_VERSION },
		{ "version_6", 0, 4, 6, TEE_SNP_VERSION },
		{ "version_with_high_half", 0, 4, 0x20003, TEE_SNP_VERSION },
		{ "algorithm_0", 0x34, 4, 0, TEE_SNP_ALGORITHM },
		{ "algorithm_2", 0x34, 4, 2, TEE_SNP_ALGORITHM },
		{ "policy_bit_17_clear", 8, 8, 0x10000, TEE_SNP_RESERVED },
		{ "policy_all_known_bits", 8, 8, 0x3ffffff, TEE_OK },
		{ "policy_bit_26", 8, 8, 0x4020000, TEE_SNP_RESERVED },
		{ "policy_bit_63", 8, 8, UINT64_C(0x8000000000020000), TEE_SNP_RESERVED },
		{ "vmpl_3", 0x30, 4, 3, TEE_OK },
		{ "vmpl_4", 0x30, 4, 4, TEE_SNP_RESERVED },
		{ "vmpl_of_the_host", 0x30, 4, SNP_VMPL_HOST, TEE_OK },
		{ "platform_info_known", 0x40, 8, 0xbf, TEE_OK },
		{ "platform_info_bit_6", 0x40, 8, 0x40, TEE_SNP_RESERVED },
		{ "platform_info_bit_8", 0x40, 8, 0x100, TEE_SNP_RESERVED },
		{ "flags_bit_5", 0x48, 4, 0x20, TEE_SNP_RESERVED },
		{ "flags_bit_31", 0x48, 4, 0x80000000, TEE_SNP_RESERVED },
		{ "signed_by_vcek", 0x48, 4, 0x0, TEE_OK },
		{ "signed_by_vlek", 0x48, 4, 0x4, TEE_OK },
		{ "signed_by_key_2", 0x48, 4, 0x8, TEE_SNP_SIGNER },
		{ "signed_by_key_6", 0x48, 4, 0x18, TEE_SNP_SIGNER },
		{ "signed_by_none", 0x48, 4, 0x1c, TEE_SNP_SIGNER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t b[SNP_REPORT_LEN];
		struct snp_report r = { .version = 99 };

		print_message("%s\n", cases[i].name);
		make(b, 3);
		put(b, cases[i].at, cases[i].value, cases[i].n);
		assert_int_equal(snp_parse(&r, SPAN_ARRAY(b)), cases[i].want);
		assert_int_equal(r.version == 99, cases[i].want != TEE_OK);
	}
}

static void lengths(void **state)
{
	uint8_t b[SNP_REPORT_LEN + 1] = { 0 };
	struct snp_report r;

	(void)state;
	make(b, 2);
	for (size_t n = 0; n <= SNP_REPORT_LEN + 1; n++) {
		uint8_t *copy = vector_copy(span_of(b, n));

		assert_int_equal(snp_parse(&r, span_of(copy, n)),
				 n == SNP_REPORT_LEN ? TEE_OK : TEE_SNP_SIZE);
		free(copy);
	}
}

static void tcbs(void **state)
{
	/* clang-format off */
	static const struct {
		enum snp_product product;
		uint64_t tcb;
		bool want;
		struct snp_tcb parts;
	} cases[] = {
		{ SNP_MILAN, UINT64_C(0x7308000000000403), true, { .bootloader = 3, .tee = 4, .snp = 8, .microcode = 0x73 } },
		{ SNP_GENOA, UINT64_C(0xff15000000000007), true, { .bootloader = 7, .tee = 0, .snp = 0x15, .microcode = 0xff } },
		{ SNP_TURIN, UINT64_C(0x4a00000004030201), true, { .fmc = 1, .bootloader = 2, .tee = 3, .snp = 4, .microcode = 0x4a } },
		{ SNP_MILAN, UINT64_C(0x7308000000010003), false, { 0 } },
		{ SNP_GENOA, UINT64_C(0x7308800000000003), false, { 0 } },
		{ SNP_TURIN, UINT64_C(0x4a00000104030201), false, { 0 } },
		{ SNP_TURIN, UINT64_C(0x4a80000004030201), false, { 0 } },
		{ SNP_PRODUCT_UNKNOWN, 0, false, { 0 } },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snp_tcb t = { .fmc = 99 };

		assert_int_equal(snp_tcb_read(&t, cases[i].product, cases[i].tcb), cases[i].want);
		if (!cases[i].want) {
			assert_int_equal(t.fmc, 99);
			continue;
		}
		assert_memory_equal(&t, &cases[i].parts, sizeof(t));
		assert_true(snp_tcb_pack(cases[i].product, &t) == cases[i].tcb);
	}
}

static void products(void **state)
{
	static const struct {
		uint8_t family, model;
		enum snp_product want;
	} cases[] = {
		{ 0x19, 0x00, SNP_MILAN },
		{ 0x19, 0x01, SNP_MILAN },
		{ 0x19, 0x0f, SNP_MILAN },
		{ 0x19, 0x10, SNP_GENOA },
		{ 0x19, 0x11, SNP_GENOA },
		{ 0x19, 0x1f, SNP_GENOA },
		{ 0x19, 0x20, SNP_PRODUCT_UNKNOWN },
		{ 0x19, 0xa0, SNP_GENOA },
		{ 0x19, 0xaf, SNP_GENOA },
		{ 0x19, 0xb0, SNP_PRODUCT_UNKNOWN },
		{ 0x1a, 0x02, SNP_TURIN },
		{ 0x1a, 0x11, SNP_TURIN },
		{ 0x1a, 0x20, SNP_PRODUCT_UNKNOWN },
		{ 0x17, 0x31, SNP_PRODUCT_UNKNOWN },
		{ 0, 0, SNP_PRODUCT_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(snp_product_of_cpu(cases[i].family, cases[i].model),
				 cases[i].want);
	for (unsigned p = SNP_MILAN; p < SNP_PRODUCT_COUNT; p++)
		assert_int_equal(
			snp_product_of(span_str(snp_product_name((enum snp_product)p))), p);
	assert_int_equal(snp_product_of(span_str("unknown")), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_of(span_str("milan")), SNP_PRODUCT_UNKNOWN);
	assert_int_equal(snp_product_of(span_str("")), SNP_PRODUCT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_reports),
		cmocka_unit_test(all_fields),
		cmocka_unit_test(reserved_bytes),
		cmocka_unit_test(head),
		cmocka_unit_test(lengths),
		cmocka_unit_test(tcbs),
		cmocka_unit_test(products),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

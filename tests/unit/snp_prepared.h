/* A verdict on a report is the same when its documents were read before, for the
 * first report and for the next. */
#ifndef POSTERN_TESTS_SNP_PREPARED_H
#define POSTERN_TESTS_SNP_PREPARED_H

#include "unit.h"

#include <string.h>

#include "tee/verify.h"

static inline void snp_expect_same_prepared(const struct tee_verdict *v, const struct tee_input *in)
{
	struct tee_prepared_snp *p =
		tee_prepare_snp(&in->collateral->snp, in->anchors, in->anchor_count);
	static struct tee_verdict again;

	for (int i = 0; i < 2; i++) {
		memset(&again, 0x5a, sizeof(again));
		tee_verify_prepared_snp(&again, p, in->quote, in->policy, in->at);
		assert_int_equal(again.reason, v->reason);
		assert_string_equal(again.detail, v->detail);
		assert_string_equal(again.anchor, v->anchor);
		assert_string_equal(again.image, v->image);
		assert_int_equal(again.is_verified, v->is_verified);
		assert_int_equal(again.is_simulated, v->is_simulated);
		assert_int_equal(again.earliest_issue, v->earliest_issue);
		assert_int_equal(again.earliest_expiry, v->earliest_expiry);
		assert_memory_equal(&again.snp_platform, &v->snp_platform, sizeof(v->snp_platform));
	}
	tee_prepared_snp_free(p);
}

#endif

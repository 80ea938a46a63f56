/*
 * policy_file: inside of policy_read(): the sections of the file that have a
 * source file of their own.  A section is what the file says (raw_*), the
 * table that reads it, and a function that takes it into the policy.  Only for
 * the policy_file*.c files.
 */
#ifndef POSTERN_TEE_POLICY_FILE_H
#define POSTERN_TEE_POLICY_FILE_H

#include "conf/conf.h"
#include "tee/policy.h"

/* What a list's count holds while its key has not come. */
#define POLICY_ABSENT SIZE_MAX

enum {
	POLICY_NAME_MAX = 63, /* of images, modules; as in struct tee_verdict */
};

/* Readers for CONF_CUSTOM: a time (int64_t, unix seconds, not 0), and a
 * register of QUOTE_MR_LEN bytes of hex. */
conf_check_fn policy_read_time, policy_read_register;
#define POLICY_TIME_EXPECTED "a time such as 2027-01-01T00:00:00Z"

/* A register as written: CONF_CUSTOM knows one field, and it is two facts. */
struct raw_register {
	bool is_set;
	uint8_t value[QUOTE_MR_LEN];
};

struct raw_platforms {
	struct conf_list fmspc; /* of struct policy_family */
	struct conf_list sgx_type; /* of int: enum pck_sgx_type */
	struct conf_list allow, deny; /* of struct platform */
	struct conf_list lists;
	bool smt, dynamic, cached_keys;
};
extern const struct raw_platforms policy_platforms_default;
extern const struct conf_field policy_platforms_fields[];
/* RC_LIMIT: the arena has no room. */
enum rc policy_take_platforms(struct tee_policy *p, struct arena *arena,
			      const struct raw_platforms *raw);

struct raw_snp {
	bool migration_agent, smt, single_socket, vlek, require_crl;
	uint64_t vmpl;
	struct conf_list min_tcb;
	struct conf_list allow, deny; /* of struct snp_policy_chip */
};
extern const struct raw_snp policy_snp_default;
extern const struct conf_field policy_snp_fields[];
/* RC_LIMIT: the arena has no room. */
enum rc policy_take_snp(struct tee_policy *p, struct arena *arena,
			const struct raw_snp *raw);

/* images: a CONF_LIST of these elements. */
extern const struct conf_field policy_image_element;
/* RC_LIMIT: the arena has no room. */
enum rc policy_take_images(struct tee_policy *p, struct arena *arena,
			   const struct conf_list *raw);

#endif

/* kms: `postern kms`, see postern-kms(1). */
#ifndef POSTERN_CLI_KMS_H
#define POSTERN_CLI_KMS_H

#include "cli/complaint.h"

int cli_kms(int argc, char **argv);

/* What its verbs are told. */
struct kms_options {
	struct complainer say;
	const char *file; /* NULL: none */
	const char *socket; /* of postern-kms */
	const char *key; /* --key: a file, or hex for audit */
	const char *manifest, *out;
	bool is_json, waits;
};

/* kms_policy.c */
int kms_policy_sign(const struct kms_options *o);
int kms_policy_show(const struct kms_options *o);
/* POSTs the file to 'path' and prints what was said. */
int kms_policy_send(const struct kms_options *o, const char *path);
/* kms_audit.c */
int kms_audit(const struct kms_options *o);

/* A file, whole, or a complaint: CLI_OK or CLI_USAGE. */
struct buf;
int kms_load(struct buf *out, const struct kms_options *o, const char *path);

#endif

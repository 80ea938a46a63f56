#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/kms.h"
#include "io/file.h"
#include "keys/document.h"
#include "keys/policy_read.h"

static void auto_key(struct p256_private **k)
{
	p256_private_free(*k);
}

static int malformed(const struct kms_options *o, const char *file,
		     const char *why)
{
	return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED, file,
			"%s: %s", file, why);
}

static int deliver(const struct kms_options *o, struct span text)
{
	if (o->out && file_replace(o->out, text, 0644))
		return complain(&o->say, CLI_USAGE, COMPLAINT_OUTPUT, o->out,
				"%s: %s", o->out, strerror(errno));
	if (!o->out && fwrite(text.p, 1, text.n, stdout) != text.n)
		return complain(&o->say, CLI_USAGE, COMPLAINT_OUTPUT, NULL,
				"standard output: %s", strerror(errno));
	return CLI_OK;
}

static int load_key(struct p256_private **out, const struct kms_options *o)
{
	AUTO(buf_wipe)
	struct buf pem = { 0 };
	int status = kms_load(&pem, o, o->key);

	if (status)
		return status;
	if (p256_private_from_pem(out, buf_span(&pem)))
		return malformed(o, o->key,
				 "expected a P-256 private key in PKCS#8 PEM, "
				 "as `openssl genpkey` writes it");
	return CLI_OK;
}

/* The place of this signer's signature: the old one's, or the next. */
static size_t place_of(const struct keys_signature *s, size_t count,
		       const struct p256_point *key)
{
	size_t i = 0;

	while (i < count &&
	       !span_equal(SPAN_ARRAY(s[i].key.xy), SPAN_ARRAY(key->xy)))
		i++;
	return i;
}

int kms_policy_sign(const struct kms_options *o)
{
	AUTO(auto_key)
	struct p256_private *key = NULL;
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(KEYS_POLICY_MAX);
	struct wr w = wr_over(room, KEYS_POLICY_MAX);
	struct keys_signature signatures[KEYS_ADMINS_MAX + 1];
	char error[KEYS_POLICY_ERROR_MAX] = "no policy, or over 60 KiB";
	struct keys_policy policy;
	struct p256_point point;
	struct span object, done;
	size_t count, at;

	if (kms_load(&text, o, o->file) || load_key(&key, o))
		return CLI_USAGE;
	if (!keys_document_split(&object, signatures, &count,
				 buf_span(&text)) ||
	    keys_policy_read_object(&policy, &arena, object, error))
		return malformed(o, o->file, error);
	p256_private_point(key, &point);
	at = place_of(signatures, count, &point);
	if (at == count)
		count++;
	signatures[at].key = point;
	p256_sign(key, &signatures[at].signature, object);
	keys_document_join(&w, object, signatures, count);
	if (count > KEYS_ADMINS_MAX || !wr_done(&w, &done))
		return malformed(o, o->file, "too long when signed");
	return deliver(o, done);
}

static void print_policy(const struct keys_policy *p)
{
	char issued[24] = "";
	struct wr time = wr_over(issued, sizeof(issued) - 1);

	text_utc_write(&time, p->issued_at);
	printf("serial     %u\nissued     %s\n", p->serial, issued);
	printf("signed by  %zu\nnodes      %zu\nimages     %zu\n"
	       "release    %s\nsimulated  %s\n",
	       p->signer_count, p->node_count, p->image_count,
	       p->releases_alone ? "known" : "quorum",
	       p->accepts_simulated ? "yes" : "no");
	for (size_t i = 0; i < p->app_count; i++) {
		char id[2 * KEYS_ID_LEN + 1] = "";
		struct wr w = wr_over(id, sizeof(id) - 1);

		text_hex(&w, SPAN_ARRAY(p->apps[i].id));
		printf("app        %s\n", id);
	}
}

int kms_policy_show(const struct kms_options *o)
{
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(buf_fini)
	struct buf manifest = { 0 };
	char error[KEYS_POLICY_ERROR_MAX] = "";
	struct keys_authority authority;
	struct keys_policy policy;
	enum keys_reason reason;

	if (kms_load(&text, o, o->file) || kms_load(&manifest, o, o->manifest))
		return CLI_USAGE;
	if (keys_authority_read(&authority, buf_span(&manifest), error))
		return malformed(o, o->manifest, error);
	reason = keys_policy_read(&policy, &arena, buf_span(&text), &authority,
				  error);
	if (reason) {
		printf("REFUSED: %s: %s: %s\n", o->file,
		       keys_reason_name(reason), error);
		return CLI_REFUSED;
	}
	print_policy(&policy);
	return CLI_OK;
}

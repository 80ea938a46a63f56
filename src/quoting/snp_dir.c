#include "quoting/snp_dir.h"

#include <errno.h>

#include "base/mem.h"
#include "io/file.h"
#include "quoting/say.h"

enum {
	ITEM_MAX = 1024 * 1024, /* bytes; real ones are below 8 KiB */
};

void snp_files_fini(struct snp_files *f)
{
	buf_fini(&f->vek);
	buf_fini(&f->chain);
	buf_fini(&f->crl);
}

static enum rc load(struct buf *out, const char *path, char error[256])
{
	enum rc rc;

	buf_init(out, ITEM_MAX);
	rc = file_read(out, path);
	if (rc)
		say(error, "%s: %s", path, file_why(rc));
	return rc;
}

enum rc snp_files_load(struct snp_files *out, const char *dir,
		       enum snp_signing_key key, char error[256])
{
	const struct {
		const char *name;
		struct buf *to;
		bool is_needed;
	} items[] = {
		{ key == SNP_VLEK ? "vlek.der" : "vcek.der", &out->vek, true },
		{ "cert_chain.pem", &out->chain, true },
		{ "crl.der", &out->crl, false },
	};

	*out = (struct snp_files){ 0 };
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		char path[PATH_MAX];
		enum rc rc = say_path(path, dir, NULL, items[i].name);

		if (rc)
			say(error, "%s: %m", dir);
		else
			rc = load(items[i].to, path, error);
		if (rc == RC_SYS && errno == ENOENT && !items[i].is_needed)
			continue;
		if (!rc)
			continue;
		snp_files_fini(out);
		return rc;
	}
	return RC_OK;
}

struct snp_collateral snp_files_view(const struct snp_files *f)
{
	return (struct snp_collateral){
		.vek = buf_span(&f->vek),
		.chain = buf_span(&f->chain),
		.crl = buf_span(&f->crl),
	};
}

enum rc snp_files_simulated_anchor(struct tee_anchor *out, const char *path,
				   char error[256])
{
	AUTO(buf_fini)
	struct buf pem = { 0 };
	enum rc rc = load(&pem, path, error);

	if (rc)
		return rc;
	rc = tee_anchor_simulated_snp(out, buf_span(&pem));
	if (rc == RC_DENIED)
		say(error, "%s: a root of AMD's is no simulation", path);
	else if (rc)
		say(error,
		    "%s: not one self-signed RSA-4096 certificate with "
		    "PSS and SHA-384",
		    path);
	return rc;
}

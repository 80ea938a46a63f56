#include "quoting/collateral_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "quoting/say.h"
#include "tee/hint.h"

const char *const collateral_names[COLLATERAL_ITEMS] = {
	"root_ca.crl.der",
	"pck.crl.der",
	"tcb_info.json",
	"tcb_info_issuer_chain.pem",
	"qe_identity.json",
	"qe_identity_issuer_chain.pem",
	"pck_crl_issuer_chain.pem",
};

void collateral_items(struct buf *items[COLLATERAL_ITEMS],
		      struct collateral_files *c)
{
	items[0] = &c->root_crl;
	items[1] = &c->pck_crl;
	items[2] = &c->tcb_info;
	items[3] = &c->tcb_info_chain;
	items[4] = &c->qe_identity;
	items[5] = &c->qe_identity_chain;
	items[6] = &c->pck_crl_chain;
}

void collateral_spans(struct span items[COLLATERAL_ITEMS],
		      const struct collateral_files *c)
{
	const struct buf *const bufs[COLLATERAL_ITEMS] = {
		&c->root_crl,
		&c->pck_crl,
		&c->tcb_info,
		&c->tcb_info_chain,
		&c->qe_identity,
		&c->qe_identity_chain,
		&c->pck_crl_chain,
	};

	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		items[i] = buf_span(bufs[i]);
}

void collateral_init(struct collateral_files *c)
{
	struct buf *items[COLLATERAL_ITEMS];

	*c = (struct collateral_files){ 0 };
	collateral_items(items, c);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		buf_init(items[i], COLLATERAL_ITEM_MAX);
	buf_init(&c->pck_chain, COLLATERAL_ITEM_MAX);
}

void collateral_fini(struct collateral_files *c)
{
	struct buf *items[COLLATERAL_ITEMS];

	collateral_items(items, c);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		buf_fini(items[i]);
	buf_fini(&c->pck_chain);
}

static void fmspc_name(char out[COLLATERAL_FOLDER_MAX],
		       const uint8_t fmspc[FMSPC_LEN])
{
	struct wr w = wr_over(out, 2 * FMSPC_LEN);

	text_hex(&w, span_of(fmspc, FMSPC_LEN));
	out[2 * FMSPC_LEN] = '\0';
}

static bool is_folder(const char *dir, const char *sub)
{
	char path[PATH_MAX];
	struct stat st;

	return !say_path(path, dir, NULL, sub) && stat(path, &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

bool collateral_folder(char name[COLLATERAL_FOLDER_MAX], const char *dir,
		       const uint8_t fmspc[FMSPC_LEN])
{
	struct dirent **entries = NULL;
	bool is_there;
	int count;

	fmspc_name(name, fmspc);
	is_there = is_folder(dir, name);
	count = is_there ? 0 : scandir(dir, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *found = entries[i]->d_name;
		uint8_t of[FMSPC_LEN];

		if (!is_there &&
		    text_hex_decode(of, sizeof(of), span_str(found)) &&
		    span_equal(SPAN_ARRAY(of), span_of(fmspc, FMSPC_LEN)) &&
		    is_folder(dir, found)) {
			memcpy(name, found, COLLATERAL_FOLDER_MAX);
			is_there = true;
		}
		free(entries[i]);
	}
	free(entries);
	return is_there;
}

/* One file; what may be absent may. */
static enum rc load_item(struct buf *to, const char *dir, const char *sub,
			 const char *name, bool is_needed, char error[256])
{
	char path[PATH_MAX];
	enum rc rc = say_path(path, dir, sub, name);

	if (!rc)
		rc = file_read(to, path);
	if (rc == RC_SYS && errno == ENOENT && !is_needed)
		return RC_OK;
	if (rc)
		say(error, "%s/%s%s%s: %s", dir, sub ? sub : "",
		    sub ? "/" : "", name, file_why(rc));
	return rc;
}

enum rc collateral_load(struct collateral_files *out, const char *dir,
			const uint8_t fmspc[FMSPC_LEN], char error[256])
{
	AUTO(collateral_fini)
	struct collateral_files c;
	struct buf *items[COLLATERAL_ITEMS];
	char name[COLLATERAL_FOLDER_MAX];
	const char *sub = NULL;
	enum rc rc = RC_OK;

	*out = (struct collateral_files){ 0 };
	collateral_init(&c);
	collateral_items(items, &c);
	if (fmspc && collateral_folder(name, dir, fmspc))
		sub = name;
	for (size_t i = 0; !rc && i < COLLATERAL_ITEMS; i++)
		rc = load_item(items[i], dir, sub, collateral_names[i],
			       i < COLLATERAL_NEEDED, error);
	if (!rc)
		rc = load_item(&c.pck_chain, dir, sub, COLLATERAL_PCK_CHAIN,
			       false, error);
	if (rc)
		return rc;
	*out = c;
	c = (struct collateral_files){ 0 };
	return RC_OK;
}

static enum rc save_into(struct buf *const items[COLLATERAL_ITEMS],
			 const char *dir, const char *sub)
{
	char path[PATH_MAX];
	enum rc rc = say_path(path, dir, sub, ".");

	if (!rc)
		rc = file_make_dirs(path, 0755);
	for (size_t i = 0; !rc && i < COLLATERAL_ITEMS; i++) {
		rc = say_path(path, dir, sub, collateral_names[i]);
		if (!rc)
			rc = file_replace(path, buf_span(items[i]), 0644);
	}
	return rc;
}

enum rc collateral_save(struct collateral_files *c, const char *dir,
			const uint8_t fmspc[FMSPC_LEN], char error[256])
{
	struct buf *items[COLLATERAL_ITEMS];
	char name[COLLATERAL_FOLDER_MAX];
	enum rc rc;

	collateral_items(items, c);
	fmspc_name(name, fmspc);
	rc = save_into(items, dir, name);
	if (!rc)
		rc = save_into(items, dir, NULL);
	if (rc)
		say(error, "%s: %m", dir);
	return rc;
}

struct tee_collateral collateral_view(const struct collateral_files *c)
{
	return (struct tee_collateral){
		.root_crl = buf_span(&c->root_crl),
		.pck_crl = buf_span(&c->pck_crl),
		.tcb_info = buf_span(&c->tcb_info),
		.tcb_info_chain = buf_span(&c->tcb_info_chain),
		.qe_identity = buf_span(&c->qe_identity),
		.qe_identity_chain = buf_span(&c->qe_identity_chain),
		.pck_crl_chain = buf_span(&c->pck_crl_chain),
	};
}

bool collateral_is_chainless(struct span quote)
{
	struct quote q;

	return quote_parse(&q, quote) == TEE_OK &&
	       q.certification_type != QUOTE_CERTIFICATION_CHAIN;
}

struct tee_collateral collateral_view_for(const struct collateral_files *c,
					  struct span quote)
{
	struct tee_collateral view = collateral_view(c);

	if (collateral_is_chainless(quote))
		view.pck_chain = buf_span(&c->pck_chain);
	return view;
}

bool collateral_fmspc_of(uint8_t fmspc[FMSPC_LEN], struct span quote)
{
	struct quote q;

	return quote_parse(&q, quote) == TEE_OK && hint_fmspc(fmspc, &q);
}

enum rc collateral_simulated_anchor(struct tee_anchor *out, const char *path,
				    char error[256])
{
	AUTO(buf_fini)
	struct buf pem = { 0 };
	enum rc rc;

	buf_init(&pem, COLLATERAL_ITEM_MAX);
	rc = file_read(&pem, path);
	if (rc) {
		say(error, "%s: %s", path, file_why(rc));
		return rc;
	}
	rc = tee_anchor_simulated(out, buf_span(&pem));
	if (rc == RC_DENIED)
		say(error, "%s: Intel's root is no simulation", path);
	else if (rc)
		say(error, "%s: not one self-signed P-256 certificate", path);
	return rc;
}

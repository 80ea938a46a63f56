#include "node/trust.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "io/file.h"
#include "pcs/served.h"
#include "quoting/policy_load.h"
#include "quoting/serials.h"
#include "tee/policy.h"

enum {
	TRUST_PATH_MAX = 4096,
	FOLDER_ENTRIES_MAX = 4096,
	PREPARED_MAX = 16,
	FMSPC_LEN = 6,
};

/* What one reading of policy and root gave. */
struct believed {
	struct arena arena;
	struct tee_policy policy;
	struct tee_anchor anchors[2];
	size_t anchor_count;
};

/* Collateral whose own signatures were checked; p == NULL: none. */
struct prepared {
	struct sha256 state; /* of its files, names included */
	struct tee_prepared *p;
};

struct trust {
	struct trust_settings settings;
	struct believed believed;
	struct prepared prepared[PREPARED_MAX];
	size_t next_prepared; /* gives way to the next one */
	struct sha256 seen; /* what the files looked like at the last look */
	struct sha256 used; /* ... when they were last reported */
	struct serials serials; /* of lists, the highest seen */
	char serials_path[TRUST_PATH_MAX]; /* ""; kept nowhere */
	bool is_unsaved;
};

static void believed_fini(struct believed *b)
{
	arena_fini(&b->arena);
}

static enum rc read_policy(struct believed *b, const char *path,
			   const struct tee_policy *before,
			   char error[NODE_ERROR_MAX])
{
	char why[POLICY_ERROR_MAX] = "";
	enum rc rc = policy_load(&b->policy, &b->arena, path, before, why);

	if (rc)
		error_set(error, "%s%s",
			  rc == RC_MALFORMED ? "" : "policy ", why);
	return rc;
}

static enum rc read_all(struct believed *out, const struct trust_settings *s,
			const struct serials *serials,
			char error[NODE_ERROR_MAX])
{
	AUTO(believed_fini)
	struct believed b = { 0 };
	AUTO(mem_auto_free)
	struct policy_list *lists = mem_new_array(SERIALS_MAX, sizeof(*lists));
	const struct tee_policy before = serials_as_policy(serials, lists);
	enum rc rc;

	arena_init(&b.arena, POLICY_ARENA_MAX);
	b.anchors[b.anchor_count++] = tee_anchor_intel;
	rc = read_policy(&b, s->policy, &before, error);
	if (!rc && s->simulated_root)
		rc = collateral_simulated_anchor(&b.anchors[b.anchor_count++],
						 s->simulated_root, error);
	if (rc)
		return rc;
	*out = b;
	b = (struct believed){ 0 };
	return RC_OK;
}

/* Folds what tells one state of a file from another into *state. */
static void fold_file(struct sha256 *state, const char *path)
{
	struct stat st = { 0 };
	int64_t facts[5] = { -1 };
	struct span parts[3] = { SPAN_ARRAY(state->b), span_str(path),
				 SPAN_ARRAY(facts) };

	if (stat(path, &st) == 0) {
		facts[0] = (int64_t)st.st_ino;
		facts[1] = st.st_size;
		facts[2] = st.st_mtim.tv_sec;
		facts[3] = st.st_mtim.tv_nsec;
		facts[4] = (int64_t)st.st_mode;
	}
	sha256_parts(state, parts, 3);
}

/* Every file of a folder and of its sub-folders, in the order of names. */
static void fold_folder(struct sha256 *state, const char *path, unsigned depth)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, NULL, alphasort);

	fold_file(state, path);
	for (int i = 0; i < count; i++) {
		char below[TRUST_PATH_MAX];
		bool is_folder = entries[i]->d_type == DT_DIR;
		int n = snprintf(below, sizeof(below), "%s/%s", path,
				 entries[i]->d_name);

		if (entries[i]->d_name[0] != '.' && n < (int)sizeof(below) &&
		    i < FOLDER_ENTRIES_MAX) {
			if (is_folder && depth > 0)
				fold_folder(state, below, depth - 1);
			else if (!is_folder)
				fold_file(state, below);
		}
		free(entries[i]);
	}
	free(entries);
}

/* 'policy' names the lists that belong to it. */
static void look(struct sha256 *out, const struct trust_settings *s,
		 const struct tee_policy *policy)
{
	char path[POLICY_PATH_MAX];

	*out = (struct sha256){ 0 };
	fold_file(out, s->policy);
	for (size_t i = 0; i < policy->list_count; i++)
		if (policy_list_path(path, s->policy, &policy->lists[i]))
			fold_file(out, path);
	if (s->simulated_root)
		fold_file(out, s->simulated_root);
	fold_folder(out, s->collateral, 1);
}

/* ---- serials of lists ---- */

static enum rc load_serials(struct trust *t, const char *state,
			    char error[NODE_ERROR_MAX])
{
	enum rc rc;
	int n;

	if (!state)
		return RC_OK;
	n = snprintf(t->serials_path, sizeof(t->serials_path),
		     "%s/platform-serials", state);
	if (n >= (int)sizeof(t->serials_path)) {
		error_set(error, "%.256s: name too long", state);
		return RC_LIMIT;
	}
	rc = serials_load(&t->serials, t->serials_path);
	if (rc)
		error_set(error, "serials of platform lists: %.256s: %s",
			  t->serials_path,
			  rc == RC_MALFORMED ? "not what was written there"
					     : file_why(rc));
	return rc;
}

static enum rc save_serials(struct trust *t, char error[NODE_ERROR_MAX])
{
	enum rc rc = RC_OK;

	if (t->serials_path[0])
		rc = serials_save(&t->serials, t->serials_path);
	t->is_unsaved = rc;
	if (rc)
		error_set(error, "serials of platform lists: %.256s: %s",
			  t->serials_path, file_why(rc));
	return rc;
}

/* Of the lists of the policy that was just read. */
static enum rc learn_serials(struct trust *t, char error[NODE_ERROR_MAX])
{
	bool is_new = false;
	enum rc rc = serials_learn(&t->serials, &is_new, &t->believed.policy);

	if (!rc && (is_new || t->is_unsaved))
		return save_serials(t, error);
	if (rc)
		error_set(error,
			  "serials of platform lists: %.256s: holds too many",
			  t->serials_path);
	return rc;
}

enum rc trust_open(struct trust **out, const struct trust_settings *settings,
		   const char *state, char error[NODE_ERROR_MAX])
{
	struct trust *t = mem_new(sizeof(*t));
	enum rc rc;

	t->settings = *settings;
	look(&t->seen, settings, &t->believed.policy);
	t->used = t->seen;
	rc = load_serials(t, state, error);
	if (!rc)
		rc = read_all(&t->believed, settings, &t->serials, error);
	if (!rc)
		rc = learn_serials(t, error);
	if (rc) {
		trust_free(t);
		return rc;
	}
	*out = t;
	return RC_OK;
}

static void forget_prepared(struct trust *t)
{
	for (size_t i = 0; i < PREPARED_MAX; i++) {
		tee_prepared_free(t->prepared[i].p);
		t->prepared[i] = (struct prepared){ 0 };
	}
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	forget_prepared(t);
	believed_fini(&t->believed);
	free(t);
}

bool trust_is_simulated(const struct trust *t)
{
	return t->settings.simulated_root != NULL;
}

bool trust_accepts_any(const struct trust *t)
{
	return !t->believed.policy.has_images;
}

/* ---- collateral that was read already ---- */

static struct prepared *slot_of(struct trust *t, const struct sha256 *state)
{
	for (size_t i = 0; i < PREPARED_MAX; i++)
		/* public: a digest of file times */
		if (t->prepared[i].p && memcmp(&t->prepared[i].state, state,
					       sizeof(*state)) == 0)
			return &t->prepared[i];
	return NULL;
}

/* Where served_load() looks for this FMSPC, and how the files there look.
 * *fmspc becomes NULL for the folder that serves all others, so that strangers
 * cannot make us keep more than there is.  For quotes without a PCK chain the
 * one beside them belongs to it. */
static void look_for(struct sha256 *state, const struct trust *t,
		     const uint8_t **fmspc, bool is_chainless)
{
	const size_t count = COLLATERAL_ITEMS + (is_chainless ? 1 : 0);
	char name[COLLATERAL_FOLDER_MAX], path[TRUST_PATH_MAX];
	const char *dir = t->settings.collateral;

	*state = (struct sha256){ 0 };
	if (*fmspc && !collateral_folder(name, dir, *fmspc))
		*fmspc = NULL;
	for (size_t i = 0; i < count; i++)
		if (snprintf(path, sizeof(path), "%s/%s/%s", dir,
			     *fmspc ? name : ".",
			     i < COLLATERAL_ITEMS ? collateral_names[i]
						  : COLLATERAL_PCK_CHAIN) <
		    (int)sizeof(path))
			fold_file(state, path);
}

static const struct tee_prepared *keep(struct trust *t,
				       const struct sha256 *state,
				       struct tee_prepared *p)
{
	struct prepared *slot = &t->prepared[t->next_prepared];

	t->next_prepared = (t->next_prepared + 1) % PREPARED_MAX;
	tee_prepared_free(slot->p);
	*slot = (struct prepared){ .state = *state, .p = p };
	return p;
}

/* Reads the files and tries to prepare them; otherwise the one way that says
 * in full what is wrong is taken. */
static void verify_afresh(struct trust *t, struct tee_verdict *out,
			  struct span quote, int64_t at,
			  const struct sha256 *state, const uint8_t *fmspc)
{
	AUTO(collateral_fini)
	struct collateral_files files = { 0 };
	struct tee_collateral view = { 0 };
	struct tee_prepared *p = NULL;
	struct tee_input in = {
		.quote = quote,
		.collateral = &view,
		.anchors = t->believed.anchors,
		.anchor_count = t->believed.anchor_count,
		.policy = &t->believed.policy,
		.at = at,
	};
	char why[256] = "", detail[TEE_DETAIL_MAX];
	enum rc rc = served_load(&files, t->settings.collateral, fmspc,
				 why);

	if (!rc)
		view = collateral_view_for(&files, quote);
	if (!rc && tee_prepare(&p, detail, &view, in.anchors,
			       in.anchor_count) == TEE_OK) {
		tee_verify_prepared(out, keep(t, state, p), quote, in.policy,
				    at);
		return;
	}
	tee_verify(out, &in);
	if (rc && out->reason == TEE_COLLATERAL_MISSING)
		snprintf(out->detail, sizeof(out->detail), "%.*s",
			 TEE_DETAIL_MAX - 1, why);
}

void trust_verify(struct trust *t, struct tee_verdict *out, struct span quote,
		  int64_t at)
{
	uint8_t id[FMSPC_LEN];
	const uint8_t *fmspc = collateral_fmspc_of(id, quote) ? id : NULL;
	const struct prepared *known;
	struct sha256 state;

	look_for(&state, t, &fmspc, collateral_is_chainless(quote));
	known = slot_of(t, &state);
	if (known)
		tee_verify_prepared(out, known->p, quote, &t->believed.policy,
				    at);
	else
		verify_afresh(t, out, quote, at, &state, fmspc);
}

enum trust_change trust_poll(struct trust *t, bool now,
			     char error[NODE_ERROR_MAX])
{
	struct believed fresh = { 0 };
	struct sha256 state;
	bool has_settled;

	look(&state, &t->settings, &t->believed.policy);
	/* public: a digest of file times */
	has_settled = now || !memcmp(&state, &t->seen, sizeof(state));
	t->seen = state;
	/* public: a digest of file times */
	if (!has_settled ||
	    (!now && !memcmp(&state, &t->used, sizeof(state)))) {
		if (t->is_unsaved)
			(void)save_serials(t, error); /* it was said before */
		return TRUST_SAME;
	}
	t->used = state;
	if (read_all(&fresh, &t->settings, &t->serials, error))
		return TRUST_BAD;
	believed_fini(&t->believed);
	t->believed = fresh;
	forget_prepared(t); /* it rests on the anchors */
	return learn_serials(t, error) ? TRUST_UNSAVED : TRUST_RELOADED;
}

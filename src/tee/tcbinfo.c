#include "tee/tcbinfo.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	TCB_TYPE = 0, /* how levels are compared; there is no other */
	MEMBER_MAX = 24,
};

/* v3: an array of sixteen {"svn":n, ...}. */
static bool read_components(uint8_t out[TCBINFO_COMPONENT_COUNT],
			    const struct jtree *tcb, const char *key)
{
	const struct jtree *array, *item;

	if (!document_array(tcb, key, &array, TCBINFO_COMPONENT_COUNT) ||
	    array->count != TCBINFO_COMPONENT_COUNT)
		return false;
	item = array->first;
	for (size_t i = 0; item; i++, item = item->next) {
		uint32_t svn;

		if (!document_u32(item, "svn", &svn, UINT8_MAX))
			return false;
		out[i] = (uint8_t)svn;
	}
	return true;
}

/* v2: members sgxtcbcomp01svn to sgxtcbcomp16svn. */
static bool read_components_v2(uint8_t out[TCBINFO_COMPONENT_COUNT],
			       const struct jtree *tcb)
{
	for (unsigned i = 0; i < TCBINFO_COMPONENT_COUNT; i++) {
		char key[MEMBER_MAX];
		uint32_t svn;

		(void)snprintf(key, sizeof(key), "sgxtcbcomp%02usvn", i + 1);
		if (!document_u32(tcb, key, &svn, UINT8_MAX))
			return false;
		out[i] = (uint8_t)svn;
	}
	return true;
}

static enum tee_reason read_level(struct tcb_level *out, struct arena *arena,
				  const struct jtree *object, uint32_t version,
				  enum quote_tee tee)
{
	const struct jtree *tcb;
	uint32_t pce_svn;

	if (!document_object(object, "tcb", &tcb) ||
	    !document_u32(tcb, "pcesvn", &pce_svn, UINT16_MAX) ||
	    !(version == 2
		      ? read_components_v2(out->sgx, tcb)
		      : read_components(out->sgx, tcb, "sgxtcbcomponents")))
		return TEE_COLLATERAL_MALFORMED;
	if (tee == QUOTE_TDX &&
	    !read_components(out->tdx, tcb, "tdxtcbcomponents"))
		return TEE_COLLATERAL_MALFORMED;
	out->pce_svn = (uint16_t)pce_svn;
	return level_read(&out->level, arena, object);
}

static int compare_components(const uint8_t *a, const uint8_t *b)
{
	for (size_t i = 0; i < TCBINFO_COMPONENT_COUNT; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? 1 : -1;
	return 0;
}

/* SGX components, then PCE SVN, then TDX components; the greater first. */
static int latest_first(const void *a, const void *b)
{
	const struct tcb_level *x = a, *y = b;
	int order = compare_components(x->sgx, y->sgx);

	if (!order)
		order = (x->pce_svn < y->pce_svn) - (x->pce_svn > y->pce_svn);
	return order ? order : compare_components(x->tdx, y->tdx);
}

static enum tee_reason read_levels(struct tcbinfo *out, struct arena *arena,
				   const struct jtree *root, uint32_t version)
{
	const struct jtree *array, *item;
	struct tcb_level *levels;
	size_t count;

	if (!document_array(root, "tcbLevels", &array, LEVELS_MAX))
		return TEE_COLLATERAL_MALFORMED;
	count = array->count;
	levels = arena_new(arena, count, sizeof(*levels));
	if (!count || !levels)
		return TEE_COLLATERAL_MALFORMED;
	item = array->first;
	for (size_t i = 0; item; i++, item = item->next) {
		enum tee_reason reason = read_level(&levels[i], arena, item,
						    version, out->tee);

		if (reason)
			return reason;
	}
	qsort(levels, count, sizeof(*levels), latest_first);
	for (size_t i = 1; i < count; i++)
		if (!latest_first(&levels[i - 1], &levels[i]))
			return TEE_COLLATERAL_MALFORMED;
	out->levels = levels;
	out->level_count = count;
	return TEE_OK;
}

static bool read_module(struct tcb_module *out, const struct jtree *object)
{
	return document_hex(object, "mrsigner", out->mr_signer,
			    sizeof(out->mr_signer)) &&
	       document_hex(object, "attributes", out->attributes,
			    sizeof(out->attributes)) &&
	       document_hex(object, "attributesMask", out->attributes_mask,
			    sizeof(out->attributes_mask));
}

/* "TDX_NN", NN two hex digits, without regard to case. */
static bool read_module_id(uint8_t *version, const struct jtree *object)
{
	struct span id, prefix;

	return document_text(object, "id", &id) && rd_n(&id, &prefix, 4) &&
	       span_equal_nocase(prefix, span_str("TDX_")) &&
	       text_hex_decode(version, 1, id);
}

/* Of the words for a platform a module's level has three. */
static bool has_module_words(const struct svn_levels *l)
{
	for (size_t i = 0; i < l->count; i++) {
		enum tee_tcb_status s = l->items[i].level.status;

		if (s != TCB_UP_TO_DATE && s != TCB_OUT_OF_DATE &&
		    s != TCB_REVOKED)
			return false;
	}
	return true;
}

static enum tee_reason read_modules(struct tcbinfo *out, struct arena *arena,
				    const struct jtree *root)
{
	const struct jtree *array, *item;
	struct tcb_module *modules;
	size_t count;

	if (!document_has(root, "tdxModuleIdentities"))
		return TEE_OK; /* served so before module version 1 */
	if (!document_array(root, "tdxModuleIdentities", &array,
			    TCBINFO_MODULES_MAX))
		return TEE_COLLATERAL_MALFORMED;
	count = array->count;
	modules = arena_new(arena, count, sizeof(*modules));
	if (!modules)
		return TEE_COLLATERAL_MALFORMED;
	item = array->first;
	for (size_t i = 0; item; i++, item = item->next) {
		enum tee_reason reason;

		if (!read_module_id(&modules[i].version, item) ||
		    !read_module(&modules[i], item))
			return TEE_COLLATERAL_MALFORMED;
		for (size_t j = 0; j < i; j++)
			if (modules[j].version == modules[i].version)
				return TEE_COLLATERAL_MALFORMED;
		reason = svn_levels_read(&modules[i].levels, arena, item,
					 "tcbLevels");
		if (reason)
			return reason;
		if (!has_module_words(&modules[i].levels))
			return TEE_TCB_UNRECOGNIZED;
	}
	out->modules = modules;
	out->module_count = count;
	return TEE_OK;
}

/* Version 2 is SGX's and has no id. */
static bool read_tee(enum quote_tee *out, const struct jtree *root,
		     uint32_t version)
{
	struct span id;

	if (version == 2 && !document_has(root, "id")) {
		*out = QUOTE_SGX;
		return true;
	}
	if (!document_text(root, "id", &id))
		return false;
	if (version == 3 && span_equal_str(id, "TDX")) {
		*out = QUOTE_TDX;
		return true;
	}
	*out = QUOTE_SGX;
	return span_equal_str(id, "SGX");
}

static bool read_head(struct tcbinfo *out, uint32_t *version,
		      const struct jtree *root)
{
	uint32_t type;

	return document_u32(root, "version", version, 3) && *version >= 2 &&
	       read_tee(&out->tee, root, *version) &&
	       document_time(root, "issueDate", &out->issued_at) &&
	       document_time(root, "nextUpdate", &out->expires_at) &&
	       document_hex(root, "fmspc", out->fmspc, sizeof(out->fmspc)) &&
	       document_hex(root, "pceId", out->pce_id, sizeof(out->pce_id)) &&
	       document_u32(root, "tcbType", &type, TCB_TYPE) &&
	       document_u32(root, "tcbEvaluationDataNumber", &out->evaluation,
			    UINT32_MAX);
}

enum tee_reason tcbinfo_parse(struct tcbinfo *out, struct arena *arena,
			      struct span object)
{
	AUTO(arena_fini)
	struct arena tree = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *root = document_load(&tree, object);
	struct tcbinfo info = { 0 };
	const struct jtree *module;
	enum tee_reason reason;
	uint32_t version;

	if (!read_head(&info, &version, root))
		return TEE_COLLATERAL_MALFORMED;
	reason = read_levels(&info, arena, root, version);
	if (reason)
		return reason;
	if (info.tee == QUOTE_TDX) {
		if (!document_object(root, "tdxModule", &module) ||
		    !read_module(&info.module, module))
			return TEE_COLLATERAL_MALFORMED;
		reason = read_modules(&info, arena, root);
		if (reason)
			return reason;
	}
	*out = info;
	return TEE_OK;
}

const struct tcb_module *tcbinfo_module(const struct tcbinfo *info,
					uint8_t version)
{
	for (size_t i = 0; i < info->module_count; i++)
		if (info->modules[i].version == version)
			return &info->modules[i];
	return NULL;
}

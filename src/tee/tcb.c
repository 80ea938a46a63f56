#include "tee/tcb.h"

/* Places in TEE_TCB_SVN and in the TDX components of a level. */
enum {
	SVN_MODULE = 0, /* ISVSVN of the TDX module */
	SVN_VERSION = 1, /* its major version */
	SVN_MICROCODE = 2,
};

static bool reaches(const uint8_t *have, const uint8_t *need, size_t from)
{
	for (size_t i = from; i < TCBINFO_COMPONENT_COUNT; i++)
		if (have[i] < need[i])
			return false;
	return true;
}

/* The first level by SGX components, and the first by TDX ones as well. */
static bool match_levels(const struct tcb_level **sgx,
			 const struct tcb_level **tdx,
			 const struct tcbinfo *info,
			 const struct tcb_platform *p)
{
	const uint8_t *svn = p->td ? p->td->tee_tcb_svn.p : NULL;
	/* A versioned module has an identity and levels of its own. */
	size_t from = svn && svn[SVN_VERSION] ? SVN_MICROCODE : SVN_MODULE;

	*sgx = NULL;
	for (size_t i = 0; i < info->level_count; i++) {
		const struct tcb_level *l = &info->levels[i];

		if (!reaches(p->pck->component, l->sgx, 0) ||
		    p->pck->pce_svn < l->pce_svn)
			continue;
		if (!*sgx)
			*sgx = l;
		if (!svn || reaches(svn, l->tdx, from)) {
			*tdx = l;
			return true;
		}
	}
	return false;
}

/* A module or QE is in order, behind or revoked; finer words are not its. */
static enum tee_tcb_status part_status(const struct level *l)
{
	if (l->status == TCB_UP_TO_DATE || l->status == TCB_REVOKED)
		return l->status;
	return TCB_OUT_OF_DATE;
}

static bool needs_configuration(enum tee_tcb_status s)
{
	return s == TCB_CONFIGURATION_NEEDED ||
	       s == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
	       s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* The platform's status when one of its parts has this one. */
static enum tee_tcb_status merge(enum tee_tcb_status platform,
				 enum tee_tcb_status part)
{
	if (part == TCB_REVOKED)
		return TCB_REVOKED;
	if (part != TCB_OUT_OF_DATE)
		return platform;
	if (platform == TCB_UP_TO_DATE || platform == TCB_SW_HARDENING_NEEDED)
		return TCB_OUT_OF_DATE;
	if (platform == TCB_CONFIGURATION_NEEDED ||
	    platform == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED)
		return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
	return platform;
}

/* The module this TD was built by: *out NULL when it has no identity. */
static enum tee_reason match_module(const struct level **out,
				    const struct tcbinfo *info,
				    const struct td_report *td)
{
	const uint8_t *svn = td->tee_tcb_svn.p;
	const struct tcb_module *module;

	*out = NULL;
	if (!svn[SVN_VERSION])
		return TEE_OK;
	module = tcbinfo_module(info, svn[SVN_VERSION]);
	if (!module)
		return TEE_MODULE;
	*out = svn_levels_match(&module->levels, svn[SVN_MODULE]);
	return *out ? TEE_OK : TEE_MODULE_SVN;
}

/* Is the module that runs now (TEE_TCB_SVN2) the latest? */
static enum tee_reason runs_latest(bool *out, const struct tcbinfo *info,
				   const uint8_t *svn2)
{
	const struct tcb_level *latest = &info->levels[0];
	const struct tcb_module *module;
	uint16_t need = latest->tdx[SVN_MODULE];

	if (svn2[SVN_VERSION]) {
		module = tcbinfo_module(info, svn2[SVN_VERSION]);
		if (!module)
			return TEE_MODULE;
		if (!module->levels.count)
			return TEE_MODULE_SVN;
		need = module->levels.items[0].isv_svn;
	}
	*out = svn2[SVN_MODULE] >= need &&
	       svn2[SVN_MICROCODE] >= latest->tdx[SVN_MICROCODE];
	return TEE_OK;
}

/*
 * The host has loaded a fixed module, but the TD was built by the old one: the
 * TD, not the platform, is out of date, and relaunching it helps.
 */
static enum tee_reason advise_relaunch(struct tcb_answer *a,
				       const struct tcbinfo *info,
				       const struct tcb_level *sgx,
				       const struct td_report *td)
{
	enum tee_tcb_status base = sgx->level.status;
	bool is_latest = false;
	enum tee_reason reason;

	if (!td->tee_tcb_svn2.n || a->qe != TCB_UP_TO_DATE ||
	    a->module != TCB_OUT_OF_DATE ||
	    (a->status != TCB_OUT_OF_DATE &&
	     a->status != TCB_OUT_OF_DATE_CONFIGURATION_NEEDED) ||
	    (base != TCB_UP_TO_DATE && base != TCB_SW_HARDENING_NEEDED &&
	     base != TCB_CONFIGURATION_NEEDED &&
	     base != TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED))
		return TEE_OK;
	reason = runs_latest(&is_latest, info, td->tee_tcb_svn2.p);
	if (reason || !is_latest)
		return reason;
	a->status = needs_configuration(base) || needs_configuration(a->status)
			    ? TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
			    : TCB_TD_RELAUNCH_ADVISED;
	return TEE_OK;
}

/* Keeps the earliest date after that of the level reached. */
static void note_newer(int64_t *since, int64_t reached, int64_t newer)
{
	if (newer > reached && (!*since || newer < *since))
		*since = newer;
}

static int64_t newer_svn_level(const struct svn_levels *l,
			       const struct level *reached)
{
	int64_t since = 0;

	for (size_t i = 0; i < l->count && &l->items[i].level != reached; i++)
		note_newer(&since, reached->date, l->items[i].level.date);
	return since;
}

static int64_t newer_level(const struct tcbinfo *info,
			   const struct tcb_level *reached)
{
	int64_t since = 0;

	for (const struct tcb_level *l = info->levels; l != reached; l++)
		note_newer(&since, reached->level.date, l->level.date);
	return since;
}

static int64_t behind_since(const struct tcb_answer *a,
			    const struct tcbinfo *info,
			    const struct qeidentity *qe,
			    const struct tcb_level *level,
			    const struct tcb_platform *p)
{
	int64_t dates[TCB_PARTS] = { 0 }, since = 0;
	const bool is_behind[TCB_PARTS] = {
		a->platform == TCB_OUT_OF_DATE ||
			a->platform == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
		a->module == TCB_OUT_OF_DATE,
		a->qe == TCB_OUT_OF_DATE,
	};

	if (is_behind[0])
		dates[0] = newer_level(info, level);
	if (is_behind[1]) {
		const struct tcb_module *module = tcbinfo_module(
			info, p->td->tee_tcb_svn.p[SVN_VERSION]);

		dates[1] = newer_svn_level(&module->levels, a->parts[1]);
	}
	if (is_behind[2])
		dates[2] = newer_svn_level(&qe->levels, a->parts[2]);
	for (size_t i = 0; i < TCB_PARTS; i++) {
		if (is_behind[i] && !dates[i])
			return 0;
		if (is_behind[i])
			note_newer(&since, 0, dates[i]);
	}
	return since;
}

enum tee_reason tcb_evaluate(struct tcb_answer *out, const struct tcbinfo *info,
			     const struct qeidentity *qe,
			     const struct tcb_platform *p)
{
	const struct tcb_level *sgx, *level;
	const struct level *module = NULL, *qe_level;
	struct tcb_answer a = { 0 };
	enum tee_reason reason = TEE_OK;

	if (!match_levels(&sgx, &level, info, p))
		return TEE_TCB_NOT_SUPPORTED;
	if (p->td)
		reason = match_module(&module, info, p->td);
	if (reason)
		return reason;
	qe_level = svn_levels_match(&qe->levels, p->qe_isv_svn);
	if (!qe_level)
		return TEE_QE_SVN;
	a.platform = level->level.status;
	a.module = module ? part_status(module) : TCB_NONE;
	a.qe = part_status(qe_level);
	a.date = level->level.date;
	a.parts[0] = &level->level;
	a.parts[1] = module;
	a.parts[2] = qe_level;
	a.status = merge(a.platform, a.module);
	if (p->td)
		reason = advise_relaunch(&a, info, sgx, p->td);
	if (reason)
		return reason;
	a.status = merge(a.status, a.qe);
	a.behind_since = behind_since(&a, info, qe, level, p);
	*out = a;
	return TEE_OK;
}

enum tee_reason tcb_check_module(const char **field, const struct tcbinfo *info,
				 const struct td_report *td)
{
	const struct tcb_module *module = &info->module;
	uint8_t version = td->tee_tcb_svn.p[SVN_VERSION];

	if (version)
		module = tcbinfo_module(info, version);
	if (!module)
		*field = "module version";
	else if (!span_equal(td->mr_signer_seam, SPAN_ARRAY(module->mr_signer)))
		*field = "MRSIGNERSEAM";
	else if (!span_is_zero(td->seam_attributes) ||
		 !span_is_zero(SPAN_ARRAY(module->attributes)))
		*field = "SEAMATTRIBUTES";
	else
		return TEE_OK;
	return TEE_MODULE;
}

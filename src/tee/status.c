#include "tee/status.h"

static const char *const names[TCB_STATUS_COUNT] = {
	[TCB_NONE] = "None",
	[TCB_UP_TO_DATE] = "UpToDate",
	[TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
	[TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
	[TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] =
		"ConfigurationAndSWHardeningNeeded",
	[TCB_OUT_OF_DATE] = "OutOfDate",
	[TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
	[TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
	[TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] =
		"TDRelaunchAdvisedConfigurationNeeded",
	[TCB_REVOKED] = "Revoked",
};

const char *tee_tcb_status_name(enum tee_tcb_status s)
{
	return (unsigned)s < TCB_STATUS_COUNT ? names[s] : names[TCB_NONE];
}

bool tee_tcb_status_parse(enum tee_tcb_status *out, struct span name)
{
	for (unsigned i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++) {
		if (i == TCB_TD_RELAUNCH_ADVISED ||
		    i == TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED)
			continue; /* a verifier's conclusion, not a word */
		if (!span_equal_str(name, names[i]))
			continue;
		*out = (enum tee_tcb_status)i;
		return true;
	}
	return false;
}

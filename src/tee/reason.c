#include "tee/reason.h"

const char *tee_reason_name(enum tee_reason reason)
{
	static const char *const names[] = {
#define X(constant, name) [constant] = name,
		TEE_REASONS(X)
#undef X
	};

	return (unsigned)reason < TEE_REASON_COUNT ? names[reason] : "unknown";
}

#include "keys/reason.h"

const char *keys_reason_name(enum keys_reason r)
{
	static const char *const names[] = {
#define X(constant, name) name,
		KEYS_REASONS(X)
#undef X
	};

	return r < KEYS_REASON_COUNT ? names[r] : "reason_unknown";
}

bool keys_reason_is_passing(enum keys_reason r)
{
	return r == KEYS_NOT_READY || r == KEYS_NO_QUORUM || r == KEYS_AUDIT ||
	       r == KEYS_INTERNAL || r == KEYS_EPOCH_UNKNOWN ||
	       r == KEYS_FULL;
}

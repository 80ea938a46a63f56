/*
 * hardware: the sealing keys that this machine's own platform gives: today the
 * simulated one (SIMULATED).  TDX has none; there a key service, itself in a
 * TEE, releases them: keyclient/sealing.h.
 */
#ifndef POSTERN_SEAL_HARDWARE_H
#define POSTERN_SEAL_HARDWARE_H

#include "quoting/source.h"
#include "seal/seal.h"

/* A provider over this machine's source of quotes, which it borrows.  The
 * measurement is hardware_measurement()'s. */
struct seal_provider hardware_provider(struct quote_source *source);

/*
 * SHA-256 of "postern/measurement/v1" and, out of a quote of the moment, MRTD,
 * RTMR0, RTMR1, RTMR2, MRCONFIGID and the attributes (little-endian u64).
 *
 * RC_MALFORMED: the quote is none of TDX; otherwise as quote_source_get().
 * error says which.
 */
enum rc hardware_measurement(uint8_t out[FORM_MEASUREMENT_LEN],
			     struct quote_source *source,
			     char error[SEAL_ERROR_MAX]);

#endif

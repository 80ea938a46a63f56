/*
 * appinfo: who the app is, in dstack's words: the hashes that its Info gives,
 * and the piece of a certificate that "with_app_info" asks for.
 *
 * What dstack reads out of its event log and ours has not stands as it would
 * read our log: no key provider, whose measurement is zero then.
 *
 * Source: dstack-attest attestation.rs (AppInfo, decode_mr_tdx_from_quote);
 * ra-tls cert.rs: MessagePack by name, extension 1.3.6.1.4.1.62397.1.9.
 */
#ifndef POSTERN_GUEST_APPINFO_H
#define POSTERN_GUEST_APPINFO_H

#include "base/buf.h"
#include "guest/desk.h"

/* "mr_aggregated": all registers; what the launch's owner chose counts where
 * any of it is there. */
void appinfo_aggregate(struct sha256 *out, const struct desk_registers *r);
/* "mr_system": all but RTMR3, which is the app's. */
void appinfo_system(struct sha256 *out, const struct desk_registers *r);
/* "os_image_hash": what our images are known by, all that is measured of one
 * but its size: SHA-256(MRTD || RTMR1 || RTMR2). */
void appinfo_image(struct sha256 *out, const struct desk_registers *r);

/* Appends AppInfo; RC_LIMIT when it does not fit. */
enum rc appinfo_write(struct buf *out, const struct desk_world *w);

#endif

/*
 * figures: the status (GET /v1/status) as metrics, in Prometheus' text format;
 * postern-cert(8) lists them.
 *
 * Pure.
 *
 * Source: Prometheus, text exposition format 0.0.4.
 */
#ifndef POSTERN_CERTD_FIGURES_H
#define POSTERN_CERTD_FIGURES_H

#include "base/buf.h"
#include "base/rc.h"

/* Appended.  RC_MALFORMED: not a status; RC_LIMIT: no room. */
enum rc figures_write(struct buf *out, struct span status, int64_t now);

#endif

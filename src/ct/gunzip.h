/*
 * gunzip: bytes that a tiled log compressed without being asked to.
 *
 * Bounded by the buffer they go to; nothing but one or more whole gzip members,
 * with no byte behind them, is taken. Through zlib; no I/O.
 *
 * Source: RFC 1952; C2SP static-ct-api (data tiles: "Clients MUST support
 * Content-Encoding: gzip").
 */
#ifndef POSTERN_CT_GUNZIP_H
#define POSTERN_CT_GUNZIP_H

#include "base/buf.h"
#include "base/rc.h"

/*
 * Appends what 'in' holds. RC_MALFORMED: not whole gzip; RC_LIMIT: more than
 * the buffer takes. 'to' holds rubbish after a failure.
 */
enum rc gunzip(struct buf *to, struct span in);

#endif

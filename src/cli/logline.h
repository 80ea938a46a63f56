/*
 * logline: one line of a program's log, in either of io/log.h's forms, or
 * anything else that a service wrote.
 *
 * Pure: text in, text out.
 */
#ifndef POSTERN_CLI_LOGLINE_H
#define POSTERN_CLI_LOGLINE_H

#include "base/buf.h"

/*
 * The value of a field as it stands in the line, without its quotes, still
 * escaped.  Of the text form and of JSON that holds no objects.  False: there
 * is none of that name.
 */
bool logline_field(struct span *out, struct span line, const char *name);

/*
 * Whether the line is about an app, by its id or the beginning of it (4 hex
 * digits at least), by its name, or by a host name that begins with it:
 * "hello" is meant by hello.<base> and hello-8080s.<base>.
 */
bool logline_is_of_app(struct span line, const char *app);

/*
 * Appends the line as one JSON object, and a newline: a JSON line with "node"
 * and "service" before its own members; of others these and "line".  False: no
 * room.
 */
bool logline_json(struct buf *out, struct span line, const char *node,
		  const char *service);

#endif

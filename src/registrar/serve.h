/* serve: the registrar's two HTTP sockets: admin (its owner's alone) and
 * status (everyone's). */
#ifndef POSTERN_REGISTRAR_SERVE_H
#define POSTERN_REGISTRAR_SERVE_H

#include "io/loop.h"
#include "registrar/api.h"

struct serve;

/* RC_SYS: error says which socket and why.  Borrows api for its life; returns
 * owned: serve_free(). */
enum rc serve_new(struct serve **out, struct loop *loop, struct api *api,
		  char error[NODE_ERROR_MAX]);
void serve_free(struct serve *s);

#endif

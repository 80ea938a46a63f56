/*
 * listing: what the admin API shows, as JSON.  Returns owned, each.
 */
#ifndef POSTERN_EDGE_LISTING_H
#define POSTERN_EDGE_LISTING_H

#include <jansson.h>

struct master;

/* Processes, generation, rates, totals, the last upgrade. */
json_t *listing_status(struct master *m);
/* Each app with a lease: its instances, and what was counted of it. */
json_t *listing_apps(struct master *m);
/* Each lease: evidence and its age, address, ports, whether it is drained. */
json_t *listing_instances(struct master *m);
json_t *listing_certificates(struct master *m);
/* At most REPORT_LINES_MAX of each worker. */
json_t *listing_connections(struct master *m);
/* What everyone may know: sums and rates. */
json_t *listing_live(struct master *m);

#endif

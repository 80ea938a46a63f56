/*
 * report: a worker's connections, written for the admin API.
 */
#ifndef POSTERN_EDGE_REPORT_H
#define POSTERN_EDGE_REPORT_H

struct worker;

enum {
	REPORT_LINES_MAX = 1000, /* a worker; the newest */
	REPORT_LINE_MAX = 1024,
};

/* Writes one JSON object a line into the file. */
void report_write(int fd, const struct worker *w);

#endif

/*
 * up_prepare: what a cloud needs before its first machine starts: its port,
 * its folders, its plan, and the note by which other commands find it.
 */
#ifndef POSTERN_CLI_UP_PREPARE_H
#define POSTERN_CLI_UP_PREPARE_H

#include "cli/up_run.h"

/*
 * The cloud is read, its lock is taken and u->run is set.  What an earlier run
 * left is removed; then u->plan and cloud.json (cli/place.h) are made.
 *
 * False: the image of its virtual machines is unusable, what was left cannot be
 * removed, the port is taken, or a folder cannot be made.  Nothing is made on
 * disk where the port cannot be had.
 */
bool up_prepare(struct up_run *u);

#endif

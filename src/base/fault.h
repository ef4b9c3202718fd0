/* Fault points: tests stop the process, or fail a call, at a named step.
 *
 * ZONECRIER_FAULT="store-commit:3:kill" kills at the third passing of the point; ":fail=ENOSPC" makes it
 * return -ENOSPC there, ":fail-on=ENOSPC" from there on; ":sleep=MSEC" waits there. Several are separated by
 * commas. Unset (always, in production): one load and a branch. Points are named where they stand;
 * `grep -r fault_point src` lists them. */
#pragma once

/* 0, or a negative errno that the test asked for. */
int fault_point(const char *name);

/* Tests: as if ZONECRIER_FAULT were this text from now on, all counted from 1 again; NULL ends it. Not while
 * another thread may pass a point. */
void fault_set(const char *text);

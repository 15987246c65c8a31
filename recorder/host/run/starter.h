/* starter.h - the target before it is a target: waits for its tracer, then execs the program.
 *
 * What start/target.py does in a forked child, in a process that is nearly empty: brkpoint starts
 * it by posix_spawn, where a fork copies all of Python, twice as dear as all that the recorder does.
 */
#ifndef RECORDER_STARTER_H
#define RECORDER_STARTER_H

/* `plan`: a descriptor of what target._plan_bytes wrote, `go`, `report`: the ends of two pipes;
 * `parent`: brkpoint. Returns only where the program could not be started: an exit status. */
int starter_run(int plan, int go, int report, int parent);

#endif

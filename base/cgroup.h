/* cgroup.h - the control groups that this process lives in, whose limits hold for it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CGROUP_H
#define HARTREE_CGROUP_H

#include <stdbool.h>

/* Calls visit(ctx, dir, v2) for the folder of every group that may limit `controller` ("cpu", "memory") for this process: its
 * own group and all above it, of the unified hierarchy (v2) and of the controller's own (v1). A folder may not exist: inside a
 * container the group's own path may not be mounted, but its limits then stand at the root of the mount, where the walk ends.
 * Visits nothing where there are no control groups. Source: cgroups(7). */
void cgroup_visit(const char *controller, void (*visit)(void *ctx, const char *dir, bool v2), void *ctx);

#endif

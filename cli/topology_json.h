/* SPDX-License-Identifier: MIT
 *
 * A topology and its plan as JSON; `pinion topo --json` prints it, a survey keeps it.
 */
#ifndef PN_CLI_TOPOLOGY_JSON_H
#define PN_CLI_TOPOLOGY_JSON_H

#include <jansson.h>
#include <pinion/plan.h>

/** \param plan may be NULL. \return a new object, NULL without memory */
json_t *pn_topology_json(const struct pn_topology *topo, const struct pn_plan *plan);

#endif

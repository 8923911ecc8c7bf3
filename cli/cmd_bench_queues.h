/* SPDX-License-Identifier: MIT */
#ifndef PN_CLI_CMD_BENCH_QUEUES_H
#define PN_CLI_CMD_BENCH_QUEUES_H

/** `pinion bench queues`. argv[0] is "pinion bench queues". \return an enum pn_exit */
int pn_bench_queues(int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT
 *
 * A program of somebody else's: plans this machine, starts a scheduler per core, runs a task that
 * sleeps a millisecond, and ends. Built against an installed libpinion by install.sh.
 */
#include <pinion/plan.h>
#include <pinion/runtime.h>

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

struct greeting {
    struct pn_task task;
    pthread_mutex_t lock;
    pthread_cond_t said;
    unsigned times;
};

static void greet(struct pn_task *task) {
    struct greeting *g = (struct greeting *)task;
    (void)pthread_mutex_lock(&g->lock);
    unsigned times = ++g->times;
    (void)pthread_cond_signal(&g->said);
    (void)pthread_mutex_unlock(&g->lock);
    if (times < 3) {
        pn_task_sleep(task, 1000000);
    }
}

int main(void) {
    struct pn_error err = {""};
    struct pn_topology *topology = NULL;
    struct pn_plan *plan = NULL;
    struct pn_runtime *rt = NULL;
    struct greeting g = {.task = {.run = greet},
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .said = PTHREAD_COND_INITIALIZER};
    if (pn_topology_load(NULL, &topology, &err) != 0 ||
        pn_plan_create(topology, &(struct pn_policy){0}, &plan, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct pn_runtime_config config = {.topology = topology, .plan = plan};
    if (pn_runtime_create(&rt, &config, &err) != 0 || pn_runtime_start(rt, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    pn_task_send(rt, 0, &g.task);
    (void)pthread_mutex_lock(&g.lock);
    while (g.times < 3) {
        (void)pthread_cond_wait(&g.said, &g.lock);
    }
    (void)pthread_mutex_unlock(&g.lock);
    pn_runtime_stop(rt);
    pn_runtime_destroy(rt);
    pn_plan_destroy(plan);
    pn_topology_destroy(topology);
    (void)puts("three greetings");
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Waiting at queues on real threads and as tasks of a runtime. Deadlines are only held to be not
 * early. What a lost wake-up would be is the explorer's (explore_wait_*); here it is the alarm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/rcu.h"
#include "sched_bed.h"

#include <pinion/clock.h>
#include <pinion/reclaim.h>
#include <pinion/ring.h>
#include <pinion/segq.h>
#include <pinion/spsc.h>
#include <pthread.h>

enum { ITEMS = 20000, CAPACITY = 4, MS = 1000000 };

static void *number(uint64_t n) {
    return (void *)(uintptr_t)(8 * n);
}

static void test_a_pop_ends_at_its_deadline_and_not_before(void **state) {
    (void)state;
    struct pn_ring *q = NULL;
    void *item = NULL;
    assert_int_equal(pn_ring_create(&q, CAPACITY), 0);
    assert_int_equal(pn_ring_enable_waits(q), 0);
    assert_int_equal(pn_wait_thread(pn_ring_items(q), &item, 0), PN_QUEUE_EMPTY);
    uint64_t deadline = pn_now_ns() + 3 * MS;
    assert_int_equal(pn_wait_thread(pn_ring_items(q), &item, deadline), PN_QUEUE_EMPTY);
    assert_true(pn_now_ns() >= deadline);
    for (uint64_t i = 1; i <= CAPACITY; i++) {
        item = number(i);
        assert_int_equal(pn_wait_thread(pn_ring_room(q), &item, deadline), PN_QUEUE_OK);
    }
    deadline = pn_now_ns() + 3 * MS;
    assert_int_equal(pn_wait_thread(pn_ring_room(q), &item, deadline), PN_QUEUE_FULL);
    assert_true(pn_now_ns() >= deadline);
    assert_int_equal(pn_wait_thread(pn_ring_items(q), &item, 0), PN_QUEUE_OK);
    assert_ptr_equal(item, number(1));
    pn_ring_destroy(q);
}

/* One stream through each kind of queue; both sides sleep often, since there is room for four. */
struct stream {
    struct pn_wait_point items, room;
    struct pn_segq *segq;
    PN_ATOMIC(uint32_t) opened;
    uint64_t sum, n;
};

static void *receive(void *arg) {
    struct stream *s = arg;
    struct pn_segq_port *port = NULL;
    void *item = NULL;
    if (s->segq != NULL) {
        pn_rcu_register();
        assert_int_equal(pn_segq_port_open(s->segq, &port), 0);
        s->items = pn_segq_items(port);
    }
    while (pn_wait_thread(s->items, &item, PN_NO_DEADLINE) == PN_QUEUE_OK) {
        s->sum += (uint64_t)(uintptr_t)item / 8;
        s->n++;
        if (s->segq != NULL) {
            pn_rcu_quiescent();
        }
    }
    if (s->segq != NULL) {
        pn_segq_port_close(port);
        pn_rcu_unregister();
    }
    return NULL;
}

static void send_all(struct stream *s) {
    for (uint64_t i = 1; i <= ITEMS; i++) {
        void *item = number(i);
        assert_int_equal(pn_wait_thread(s->room, &item, PN_NO_DEADLINE), PN_QUEUE_OK);
        if (s->segq != NULL) {
            pn_rcu_quiescent();
        }
    }
}

static void expect_all(const struct stream *s) {
    assert_true(s->n == ITEMS);
    assert_true(s->sum == (uint64_t)ITEMS * (ITEMS + 1) / 2);
}

static void test_a_ring_stream_ends_when_it_is_closed(void **state) {
    (void)state;
    struct pn_ring *q = NULL;
    pthread_t thread;
    assert_int_equal(pn_ring_create(&q, CAPACITY), 0);
    assert_int_equal(pn_ring_enable_waits(q), 0);
    struct stream s = {.items = pn_ring_items(q), .room = pn_ring_room(q)};
    (void)alarm(30);
    assert_int_equal(pthread_create(&thread, NULL, receive, &s), 0);
    send_all(&s);
    pn_ring_close(q);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)alarm(0);
    expect_all(&s);
    pn_ring_destroy(q);
}

static void test_an_spsc_stream_ends_when_it_is_closed(void **state) {
    (void)state;
    struct pn_spsc *q = NULL;
    pthread_t thread;
    assert_int_equal(pn_spsc_create(&q, CAPACITY), 0);
    assert_int_equal(pn_spsc_enable_waits(q), 0);
    struct stream s = {.items = pn_spsc_items(q), .room = pn_spsc_room(q)};
    (void)alarm(30);
    assert_int_equal(pthread_create(&thread, NULL, receive, &s), 0);
    send_all(&s);
    pn_spsc_close(q);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)alarm(0);
    expect_all(&s);
    pn_spsc_destroy(q);
}

static void test_a_segq_stream_ends_when_it_is_closed(void **state) {
    (void)state;
    struct pn_reclaimer *reclaimer = NULL;
    struct pn_segq_port *port = NULL;
    struct stream s = {.n = 0};
    pthread_t thread;
    assert_int_equal(pn_reclaimer_create(&reclaimer, (struct pn_os_cpu){-1}, 0), 0);
    struct pn_segq_config config = {
        .node = {-1}, .capacity = CAPACITY, .max_senders = 1, .reclaimer = reclaimer};
    assert_int_equal(pn_segq_create(&s.segq, &config), 0);
    assert_int_equal(pn_segq_enable_waits(s.segq), 0);
    pn_rcu_register();
    assert_int_equal(pn_segq_port_open(s.segq, &port), 0);
    s.room = pn_segq_room(port);
    (void)alarm(30);
    assert_int_equal(pthread_create(&thread, NULL, receive, &s), 0);
    send_all(&s);
    pn_segq_close(s.segq);
    pn_rcu_offline();
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)alarm(0);
    expect_all(&s);
    pn_segq_port_close(port);
    pn_rcu_unregister();
    pn_segq_destroy(s.segq);
    pn_reclaimer_destroy(reclaimer);
}

/* A task that pops until the ring is closed, and gives its core away whenever there is nothing. */
struct popper {
    struct pn_task task;
    struct pn_waiter waiter;
    struct pn_runtime *rt;
    struct pn_ring *q;
    unsigned core;
    uint64_t sum, listed;
    PN_ATOMIC(uint32_t) * ended;
};

static void wake_popper(struct pn_waiter *waiter) {
    struct popper *p = (struct popper *)(void *)((char *)waiter - offsetof(struct popper, waiter));
    pn_task_send(p->rt, p->core, &p->task);
}

static void run_popper(struct pn_task *task) {
    struct popper *p = (struct popper *)task;
    for (unsigned turn = 0; turn < 64; turn++) {
        void *item = NULL;
        p->listed++; /* before: afterwards the task may be running elsewhere */
        enum pn_queue_rc rc = pn_wait_task(pn_ring_items(p->q), &item, &p->waiter);
        if (rc == PN_QUEUE_EMPTY) {
            return;
        }
        p->listed--;
        if (rc == PN_QUEUE_CLOSED) {
            (void)pn_faa_acqrel(p->ended, 1);
            return;
        }
        p->sum += (uint64_t)(uintptr_t)item / 8;
    }
    pn_task_ready(task);
}

static void test_tasks_are_run_again_for_each_item(void **state) {
    (void)state;
    enum { TASKS = 3 };
    struct bed bed;
    struct popper poppers[TASKS];
    PN_ATOMIC(uint32_t) ended;
    pn_atomic_init(&ended, 0);
    struct pn_ring *q = NULL;
    assert_int_equal(pn_ring_create(&q, CAPACITY), 0);
    assert_int_equal(pn_ring_enable_waits(q), 0);
    assert_int_equal(bed_start(&bed, NULL, 2, PN_IDLE_ADAPTIVE), 0);
    unsigned cores = pn_runtime_cores(bed.rt);
    for (unsigned i = 0; i < TASKS; i++) {
        poppers[i] = (struct popper){.task.run = run_popper,
                                     .waiter.wake = wake_popper,
                                     .rt = bed.rt,
                                     .q = q,
                                     .core = i % cores,
                                     .ended = &ended};
        pn_task_send(bed.rt, i % cores, &poppers[i].task);
    }
    (void)alarm(30);
    for (uint64_t i = 1; i <= ITEMS; i++) {
        void *item = number(i);
        assert_int_equal(pn_wait_thread(pn_ring_room(q), &item, PN_NO_DEADLINE), PN_QUEUE_OK);
    }
    pn_ring_close(q);
    wait_for(&ended, TASKS);
    uint64_t sum = 0;
    uint64_t listed = 0;
    for (unsigned i = 0; i < TASKS; i++) {
        sum += poppers[i].sum;
        listed += poppers[i].listed;
    }
    assert_true(sum == (uint64_t)ITEMS * (ITEMS + 1) / 2);
    assert_true(listed > 0);
    bed_end(&bed);
    pn_ring_destroy(q);
}

static void never(struct pn_waiter *waiter) {
    (void)waiter;
    fail();
}

static void test_a_cancelled_waiter_is_not_woken(void **state) {
    (void)state;
    struct pn_ring *q = NULL;
    struct pn_waiter first = {.wake = never};
    struct pn_waiter second = {.wake = never};
    void *item = NULL;
    assert_int_equal(pn_ring_create(&q, CAPACITY), 0);
    assert_int_equal(pn_ring_enable_waits(q), 0);
    assert_int_equal(pn_wait_task(pn_ring_items(q), &item, &first), PN_QUEUE_EMPTY);
    assert_int_equal(pn_wait_task(pn_ring_items(q), &item, &second), PN_QUEUE_EMPTY);
    assert_true(pn_wait_cancel(pn_ring_items(q), &second));
    assert_true(pn_wait_cancel(pn_ring_items(q), &first));
    assert_int_equal(pn_ring_push(q, number(1)), PN_QUEUE_OK);
    assert_false(pn_wait_cancel(pn_ring_items(q), &first));
    pn_ring_destroy(q);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pop_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(test_a_ring_stream_ends_when_it_is_closed),
        cmocka_unit_test(test_an_spsc_stream_ends_when_it_is_closed),
        cmocka_unit_test(test_a_segq_stream_ends_when_it_is_closed),
        cmocka_unit_test(test_tasks_are_run_again_for_each_item),
        cmocka_unit_test(test_a_cancelled_waiter_is_not_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

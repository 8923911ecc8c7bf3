/* SPDX-License-Identifier: MIT
 *
 * The locked mailbox of the ladder's M2: senders append to an outer list under a mutex; the
 * receiver takes the whole of it under the same mutex and works off its own. The mutex orders
 * everything.
 */
#ifndef PN_MAIL_LOCK_H
#define PN_MAIL_LOCK_H

#include <pinion/mailbox.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct pn_mail_lock {
    pthread_mutex_t mutex;
    struct pn_mail *first, *last; /* outer: under the mutex */
    bool idle;
    struct pn_mail *inner; /* the receiver's */
};

static inline void pn_mail_lock_init(struct pn_mail_lock *l) {
    (void)pthread_mutex_init(&l->mutex, NULL);
    l->first = l->last = l->inner = NULL;
    l->idle = true;
}

static inline void pn_mail_lock_fini(struct pn_mail_lock *l) {
    (void)pthread_mutex_destroy(&l->mutex);
}

/* \return whether the receiver was idle */
static inline bool pn_mail_lock_push(struct pn_mail_lock *l, struct pn_mail *mail) {
    mail->next = NULL;
    (void)pthread_mutex_lock(&l->mutex);
    if (l->first == NULL) {
        l->first = mail;
    } else {
        l->last->next = mail;
    }
    l->last = mail;
    bool idle = l->idle;
    l->idle = false;
    (void)pthread_mutex_unlock(&l->mutex);
    return idle;
}

static inline struct pn_mail *pn_mail_lock_pop(struct pn_mail_lock *l) {
    if (l->inner == NULL) {
        (void)pthread_mutex_lock(&l->mutex);
        l->inner = l->first;
        l->first = NULL;
        (void)pthread_mutex_unlock(&l->mutex);
    }
    struct pn_mail *mail = l->inner;
    if (mail != NULL) {
        l->inner = mail->next;
    }
    return mail;
}

static inline bool pn_mail_lock_rest(struct pn_mail_lock *l) {
    if (l->inner != NULL) {
        return false;
    }
    (void)pthread_mutex_lock(&l->mutex);
    l->idle = l->first == NULL;
    bool idle = l->idle;
    (void)pthread_mutex_unlock(&l->mutex);
    return idle;
}

#endif

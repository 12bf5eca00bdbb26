/* job: a linked list under a mutex, and an eventfd so that it can be polled beside sockets. */
#include "job.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job_queue {
    pthread_mutex_t lock;
    int ready; /* eventfd: not zero while jobs are there or the queue is closed */
    bool closed;
    job *first, **last;
};

job_queue *job_queue_new(void)
{
    job_queue *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->last = &self->first;
    self->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->ready < 0 || pthread_mutex_init(&self->lock, NULL) != 0) {
        if (self->ready >= 0)
            close(self->ready);
        free(self);
        self = NULL;
    }
    return self;
}

void job_queue_destroy(job_queue **self)
{
    if (!self || !*self)
        return;
    assert(!(*self)->first);
    pthread_mutex_destroy(&(*self)->lock);
    close((*self)->ready);
    free(*self);
    *self = NULL;
}

static void lock(job_queue *self)
{
    int error = pthread_mutex_lock(&self->lock);
    assert(error == 0);
}

/* A counter that is not zero already needs no more: EAGAIN is fine. */
static void signal_ready(job_queue *self)
{
    ssize_t put = write(self->ready, &(uint64_t){1}, sizeof(uint64_t));
    (void) put;
}

void job_queue_push(job_queue *self, job *what)
{
    what->next = NULL;
    lock(self);
    *self->last = what;
    self->last = &what->next;
    signal_ready(self);
    pthread_mutex_unlock(&self->lock);
}

job *job_queue_take(job_queue *self)
{
    lock(self);
    job *list = self->first;
    self->first = NULL;
    self->last = &self->first;
    if (!self->closed) {
        uint64_t count;
        ssize_t got = read(self->ready, &count, sizeof count);
        (void) got;
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

job *job_queue_wait(job_queue *self, int timeout_ms)
{
    struct pollfd ready = { .fd = self->ready, .events = POLLIN };
    if (poll(&ready, 1, timeout_ms) <= 0)
        return NULL;
    return job_queue_take(self);
}

int job_queue_descriptor(const job_queue *self)
{
    return self->ready;
}

void job_queue_close(job_queue *self)
{
    lock(self);
    self->closed = true;
    signal_ready(self);
    pthread_mutex_unlock(&self->lock);
}

bool job_queue_closed(job_queue *self)
{
    lock(self);
    bool closed = self->closed;
    pthread_mutex_unlock(&self->lock);
    return closed;
}

/* progress: see the header. Draws at most ten times a second, and not before half a second. */
#include "progress.h"

#include <time.h>

enum { WAIT_MS = 500, REDRAW_MS = 100, WIDTH = 30 };

static uint64_t now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_start(progress *self, FILE *to, bool terminal, const char *label)
{
    *self = (progress){ .to = terminal ? to : NULL, .label = label };
    if (self->to)
        self->started_ms = self->drawn_ms = now_ms();
}

static void draw(const progress *self, uint64_t done, uint64_t total)
{
    if (total == 0) {
        fprintf(self->to, "\r\033[K%s : %llu", self->label, (unsigned long long)done);
        return;
    }
    double share = done >= total ? 1.0 : (double)done / (double)total;
    int full = (int)(share * WIDTH);
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(self->to, "\r\033[K%s [%s] %3d %%", self->label, bar, (int)(share * 100));
}

void progress_at(progress *self, uint64_t done, uint64_t total)
{
    if (!self->to)
        return;
    uint64_t now = now_ms();
    if (now - self->started_ms < WAIT_MS || (self->shown && now - self->drawn_ms < REDRAW_MS))
        return;
    draw(self, done, total);
    fflush(self->to);
    self->drawn_ms = now;
    self->shown = true;
}

void progress_end(progress *self)
{
    if (self->to && self->shown) {
        fputs("\r\033[K", self->to);
        fflush(self->to);
    }
    self->to = NULL;
    self->shown = false;
}

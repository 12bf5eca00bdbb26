/*
 * terminal: see the header. Signals that end or stop the program wait, blocked, but while it waits for the line;
 * there a handler notes the one that came, which is sent again when the terminal is as it was.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "crypto.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { ENDING_COUNT = sizeof ending / sizeof *ending };
static volatile sig_atomic_t came;

static void note(int signal)
{
    came = signal;
}

static int open_terminal(int mode)
{
    return open("/dev/tty", mode | O_NOCTTY | O_CLOEXEC);
}

static void close_terminal(int terminal)
{
    int error = errno;
    if (terminal >= 0)
        close(terminal);
    errno = error;
}

bool terminal_there(void)
{
    int terminal = open_terminal(O_RDWR);
    close_terminal(terminal);
    return terminal >= 0;
}

static bool write_all(int terminal, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t written = write(terminal, text, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        left -= (size_t) written;
    }
    return true;
}

bool terminal_show(const char *text)
{
    int terminal = open_terminal(O_WRONLY);
    bool shown = terminal >= 0 && write_all(terminal, text);
    close_terminal(terminal);
    return shown;
}

/* Waits for a line under the caller's signals, and reads it. */
static bool read_line(int terminal, const sigset_t *callers, char *to, size_t size)
{
    struct pollfd wanted = {.fd = terminal, .events = POLLIN};
    for (;;) {
        if (ppoll(&wanted, 1, NULL, callers) < 0) {
            if (errno == EINTR && !came)
                continue;
            return false;
        }
        ssize_t got = read(terminal, to, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        const char *end = memchr(to, '\n', (size_t) got);
        if (end) {
            to[end - to] = '\0';
            return true;
        }
        errno = (size_t) got == size ? EMSGSIZE : ENODATA;
        tcflush(terminal, TCIFLUSH);
        return false;
    }
}

/* The line, with or without echo; the terminal is as before at the end. */
static bool ask_line(int terminal, const char *question, bool echo, const sigset_t *callers, char *to, size_t size)
{
    struct termios before, quiet;
    if (tcgetattr(terminal, &before) != 0)
        return false;
    quiet = before;
    if (!echo)
        quiet.c_lflag &= ~(tcflag_t) (ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) != 0)
        return false;
    bool answered = write_all(terminal, question) && read_line(terminal, callers, to, size);
    int error = errno;
    (void) tcsetattr(terminal, TCSADRAIN, &before);
    if (!echo || !answered)
        (void) write_all(terminal, "\n");
    errno = error;
    return answered;
}

static bool ask(const char *question, bool echo, char *to, size_t size)
{
    struct sigaction noting = {.sa_handler = note}, was[ENDING_COUNT];
    sigset_t held, callers;
    int terminal = open_terminal(O_RDWR);
    if (terminal < 0)
        return false;
    came = 0;
    sigemptyset(&held);
    sigaddset(&held, SIGTSTP);
    for (int i = 0; i < ENDING_COUNT; i++)
        sigaddset(&held, ending[i]);
    sigprocmask(SIG_BLOCK, &held, &callers);
    for (int i = 0; i < ENDING_COUNT; i++)
        sigaction(ending[i], &noting, &was[i]);
    sigset_t waiting = callers;
    sigaddset(&waiting, SIGTSTP);
    bool answered = ask_line(terminal, question, echo, &waiting, to, size);
    int error = errno;
    for (int i = 0; i < ENDING_COUNT; i++)
        sigaction(ending[i], &was[i], NULL);
    if (!answered)
        crypto_wipe(to, size);
    if (came)
        (void) raise(came);
    sigprocmask(SIG_SETMASK, &callers, NULL);
    close_terminal(terminal);
    errno = error;
    return answered;
}

bool terminal_ask_secret(const char *question, char *to, size_t size)
{
    return ask(question, false, to, size);
}

bool terminal_ask(const char *question, char *to, size_t size)
{
    return ask(question, true, to, size);
}

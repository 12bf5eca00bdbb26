/*
 * identity: see the header. When the command has a file to write, it runs in a child process that has
 * given root up; the parent waits, puts the file in its place, and takes nothing else from the child
 * than the plain name and the bytes of a file for the user's folder.
 */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hand_over.h"
#include "home.h"
#include "oserror.h"
#include "outfile.h"
#include "vault.h"

enum { PLACED_BYTES_MAX = 1 << 20 };

/* A file that the child asks the parent to write; its bytes follow. No name: the file of -o, whose bytes are written. */
typedef struct {
    char name[NAME_MAX + 1];
    uint32_t size;
    uint32_t files; /* that come next, each with a head of its own: a folder of them, for the operand of the index `size` */
} placed;

/* In the child, the way to the parent; else -1. One command a process, so one of it. */
static int parent_end = -1;

static bool move_all(int socket, void *data, size_t size, bool writing)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t moved = writing ? send(socket, at, size, MSG_NOSIGNAL) : recv(socket, at, size, 0);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return false;
        at += moved;
        size -= (size_t) moved;
    }
    return true;
}

static int place_here(const char *folder, const char *name, const void *data, size_t size)
{
    char path[PATH_MAX];
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
        return EINVAL;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int) sizeof path)
        return ENAMETOOLONG;
    outfile *file = outfile_open(path, false);
    if (!file)
        return errno ? errno : EIO;
    fwrite(data, 1, size, outfile_stream(file));
    errno = 0;
    return outfile_commit(&file) ? 0 : errno ? errno : EIO;
}

int identity_place(cli_call *call, const char *name, const void *data, size_t size)
{
    if (parent_end < 0)
        return place_here(call->folder, name, data, size);
    placed what = { .size = (uint32_t) size };
    int32_t error = EIO;
    if (size > PLACED_BYTES_MAX || strlen(name) >= sizeof what.name)
        return EINVAL;
    memcpy(what.name, name, strlen(name));
    void *bytes = malloc(size + 1);
    if (!bytes)
        return ENOMEM;
    memcpy(bytes, data, size);
    bool told = move_all(parent_end, &what, sizeof what, true) && move_all(parent_end, bytes, size, true)
        && move_all(parent_end, &error, sizeof error, false);
    free(bytes);
    return told ? error : EIO;
}

static int place_folder_here(const cli_call *call, uint32_t operand, const outfolder_file *files, unsigned count)
{
    char path[PATH_MAX];
    if (operand >= (uint32_t) call->operand_count || !call->operands[operand][0])
        return EINVAL;
    const char *name = call->operands[operand];
    if (snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : call->folder, name[0] == '/' ? "" : "/", name)
        >= (int) sizeof path)
        return ENAMETOOLONG;
    return outfolder_write(path, files, count);
}

int identity_place_folder(cli_call *call, int operand, const outfolder_file *files, unsigned count)
{
    if (parent_end < 0)
        return place_folder_here(call, (uint32_t) operand, files, count);
    placed what = { .size = (uint32_t) operand, .files = count };
    int32_t error = EIO;
    bool told = count <= OUTFOLDER_FILES_MAX && move_all(parent_end, &what, sizeof what, true);
    for (unsigned i = 0; i < count && told; i++) {
        placed file = { .size = (uint32_t) files[i].size };
        void *bytes = files[i].size <= OUTFOLDER_BYTES_MAX ? malloc(files[i].size + 1) : NULL;
        told = bytes && strlen(files[i].name) < sizeof file.name;
        if (told) {
            memcpy(file.name, files[i].name, strlen(files[i].name));
            memcpy(bytes, files[i].data, files[i].size);
            told = move_all(parent_end, &file, sizeof file, true) && move_all(parent_end, bytes, files[i].size, true);
        }
        free(bytes);
    }
    return told && move_all(parent_end, &error, sizeof error, false) ? error : EIO;
}

int identity_put_output(cli_call *call)
{
    if (parent_end < 0 || !call->output)
        return cli_put_output(call);
    placed what = { .size = 0 };
    int32_t error = EIO;
    errno = 0;
    if (fflush(call->data) != 0 || ferror(call->data))
        return errno ? errno : EIO;
    bool told = move_all(parent_end, &what, sizeof what, true) && move_all(parent_end, &error, sizeof error, false);
    call->output = NULL; /* the parent's alone */
    call->data = NULL;
    return told ? error : EIO;
}

/* In the parent: the files of a folder, then the folder. False when the child does not tell it to the end. */
static bool serve_folder(cli_call *call, int child_end, const placed *what, bool places, int32_t *error)
{
    placed heads[OUTFOLDER_FILES_MAX];
    outfolder_file files[OUTFOLDER_FILES_MAX];
    void *bytes[OUTFOLDER_FILES_MAX] = { NULL };
    unsigned count = 0;
    bool told = what->files <= OUTFOLDER_FILES_MAX;
    while (told && count < what->files) {
        told = move_all(child_end, &heads[count], sizeof heads[count], false) && heads[count].size <= OUTFOLDER_BYTES_MAX;
        heads[count].name[NAME_MAX] = '\0';
        bytes[count] = told ? malloc((size_t) heads[count].size + 1) : NULL;
        told = bytes[count] && move_all(child_end, bytes[count], heads[count].size, false);
        files[count] = (outfolder_file) { heads[count].name, bytes[count], heads[count].size };
        count++;
    }
    *error = told && places ? place_folder_here(call, what->size, files, count) : EINVAL;
    for (unsigned i = 0; i < count; i++)
        free(bytes[i]);
    return told;
}

/* In the parent: writes what the child asks for, until it ends. */
static void serve_child(cli_call *call, int child_end, bool places)
{
    placed what;
    while (move_all(child_end, &what, sizeof what, false)) {
        int32_t error = EINVAL;
        if (what.files > 0) {
            if (!serve_folder(call, child_end, &what, places, &error) || !move_all(child_end, &error, sizeof error, true))
                return;
            continue;
        }
        what.name[NAME_MAX] = '\0';
        uint8_t *bytes = what.size <= PLACED_BYTES_MAX ? malloc(what.size + 1) : NULL;
        if (!bytes || !move_all(child_end, bytes, what.size, false)) {
            free(bytes);
            return;
        }
        if (what.name[0] == '\0' && what.size == 0)
            error = cli_put_output(call);
        else if (places)
            error = place_here(call->folder, what.name, bytes, what.size);
        free(bytes);
        if (!move_all(child_end, &error, sizeof error, true))
            return;
    }
}

void identity_forget_postgres(void)
{
    extern char **environ;
    char name[64];
    for (char **at = environ; at && *at;) {
        size_t size = strcspn(*at, "=");
        if (strncmp(*at, "PG", 2) != 0 || size >= sizeof name) {
            at++;
            continue;
        }
        memcpy(name, *at, size);
        name[size] = '\0';
        if (unsetenv(name) != 0)
            at++;
    }
}

/* Root becomes the home's owner; 0 or an exit code. */
static int take_identity(cli_call *call)
{
    char why[PATH_MAX + 512];
    uid_t user;
    gid_t group;
    home_error error = home_owner(call->home, &user, &group);
    if (error == HOME_OK && user == 0)
        return cli_fail(call, CLI_CONFIGURATION, "%s appartient à root, sous l’identité duquel le hub ne "
                        "travaille pas : donnez-le à l’utilisateur ctai-hub ou postgres (chown "
                        "-R)", call->home);
    if (error == HOME_OK)
        error = home_become_owner(call->home);
    if (error != HOME_OK) {
        home_explain(error, call->home, why, sizeof why);
        return cli_fail(call, CLI_CONFIGURATION, "%s", why);
    }
    const struct passwd *entry = getpwuid(user);
    if (setenv("HOME", entry ? entry->pw_dir : "/", 1) != 0)
        return cli_fail(call, CLI_FAULT, "la mémoire manque");
    return CLI_DONE;
}

static int run_here(cli_call *call)
{
    if (geteuid() == 0) {
        int code = take_identity(call);
        if (code != CLI_DONE)
            return code;
    }
    if (!vault_shut())
        return cli_fail(call, CLI_FAULT, "le système ne laisse pas fermer la mémoire du programme aux autres : %s",
                        oserror_text(errno));
    (void) !chdir("/"); /* or else we stay where we are */
    return cli_run_call(call);
}

static int run_child(cli_call *call, bool places)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return cli_fail(call, CLI_FAULT, "un appel au système a échoué : %s", oserror_text(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return cli_fail(call, CLI_FAULT, "un appel au système a échoué : %s", oserror_text(errno));
    }
    if (child == 0) {
        close(ends[0]);
        parent_end = ends[1];
        int code = run_here(call);
        fflush(call->err);
        _exit(code);
    }
    close(ends[1]);
    serve_child(call, ends[0], places);
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return CLI_FAULT;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return cli_fail(call, CLI_FAULT, "la commande a été interrompue par le signal %d", WTERMSIG(status));
}

int identity_run(cli_call *call, unsigned flags)
{
    if (geteuid() != 0)
        return run_here(call);
    hand_over given = {0};
    if (flags & IDENTITY_NEW_HOME) {
        int code = hand_over_home(&given, call->home);
        if (code != 0)
            return cli_fail(call, code, "%s", given.note);
        if (given.note[0])
            cli_say(call, "%s", given.note);
    }
    if (!call->output && !(flags & (IDENTITY_NEW_HOME | IDENTITY_PLACES)))
        return run_here(call);
    int code = run_child(call, flags & IDENTITY_PLACES);
    if (code != CLI_DONE && (flags & IDENTITY_NEW_HOME))
        hand_over_undo(&given, call->home);
    return code;
}

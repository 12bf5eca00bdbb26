/*
 * agent_dispatch: the way of a parsed call to its command: the files are settled, questions asked,
 * then the home is taken and the command runs, or the call goes to the `serve` that has the home.
 *
 * Called by root for another user's home, all but the first and last step happen in a process of
 * that user's, so that the home never holds a file that its owner cannot read; files for the folder
 * of the person who called are put there by this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_commands.h"
#include "control.h"
#include "input.h"
#include "oserror.h"
#include "outfile.h"

enum {
    WAIT_MS = 60 * 1000, /* for another command of the home to end */
    WAIT_STEP_MS = 50,
    WAIT_SAY_MS = 2000,
};

static const char OUTBOX_FILE[] = "etat.sqlite";

/* Runs the command with a stream into the deposit. */
static int run_command(agent_call *own, int deposit)
{
    int copy = dup(deposit);
    own->deposit = copy < 0 ? NULL : fdopen(copy, "w");
    if (own->deposit == NULL) {
        if (copy >= 0)
            close(copy);
        return agent_call_no_memory(&own->call);
    }
    int code = cli_run_call(&own->call);
    bool whole = !ferror(own->deposit);
    whole = fclose(own->deposit) == 0 && whole;
    return code == CLI_DONE && !whole ? agent_call_no_memory(&own->call) : code;
}

/* The home is ours: opens the outbox and runs the command. */
static int run_here(cli_call *call, agent_home *agent, int deposit)
{
    char path[PATH_MAX];
    agent_call own = {.call = *call, .agent = agent};
    if (!home_path(&agent->folder, OUTBOX_FILE, path))
        return cli_fail(call, CLI_CONFIGURATION, "%s : ce chemin est trop long", call->home);
    outbox_error error = outbox_open(&own.box, path, NULL);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    int code = run_command(&own, deposit);
    outbox_close(&own.box);
    return code;
}

/* Somebody has the home: hands the call over. False: nobody takes it (yet). */
static bool hand_over(cli_call *call, int deposit, int *code)
{
    home folder;
    home_error error = home_open(&folder, call->home);
    if (error != HOME_OK)
        return false;
    control_outcome outcome = control_ask(&folder, call, deposit, code);
    int why = errno;
    home_close(&folder);
    switch (outcome) {
    case CONTROL_ANSWERED:
        return true;
    case CONTROL_NOBODY:
        return false;
    case CONTROL_BROKEN:
        *code = cli_fail(
            call, CLI_FAULT,
            "le service (serve) s’est arrêté avant de répondre ; voyez « ctai-agent status », puis recommencez");
        return true;
    case CONTROL_OTHER:
        *code = cli_fail(call, CLI_CONFIGURATION,
                         "le service (serve) qui tient ce dossier est d’une autre version ; redémarrez-le");
        return true;
    case CONTROL_SYSTEM:
        break;
    }
    *code = cli_fail(call, CLI_FAULT, "le service (serve) ne se laisse pas joindre : %s", oserror_text(why));
    return true;
}

/* Without a home, or with one that the command opens itself. */
static int run_init(cli_call *call, int deposit)
{
    agent_call own = {.call = *call};
    return run_command(&own, deposit);
}

/* Takes the home, or finds who has it; waits for a command that is just ending. */
static int run_in_home(cli_call *call, int deposit)
{
    agent_home agent = {0};
    agent_home_result result;
    bool serves = (call->command->flags & AGENT_COMMAND_SERVE) != 0, said = false;
    if ((call->command->flags & (AGENT_COMMAND_NO_HOME | AGENT_COMMAND_APART)) != 0)
        return run_init(call, deposit);
    for (int waited_ms = 0;; waited_ms += WAIT_STEP_MS) {
        int code;
        if (agent_home_open(&agent, call->home, true, &result) == AGENT_HOME_OK) {
            code = run_here(call, &agent, deposit);
            agent_home_close(&agent);
            return code;
        }
        if (result.error != AGENT_HOME_HOME || result.home_reason != HOME_LOCKED)
            return agent_call_home_failed(call, &result);
        if (!serves && hand_over(call, deposit, &code))
            return code;
        if (waited_ms >= (serves ? WAIT_SAY_MS : WAIT_MS))
            return agent_call_home_failed(call, &result);
        if (waited_ms >= WAIT_SAY_MS && !said)
            cli_say(call, "une autre commande travaille dans %s ; attente de sa fin…", call->home);
        said = waited_ms >= WAIT_SAY_MS;
        (void)usleep(WAIT_STEP_MS * 1000);
    }
}

/* Does root call for another's home? A home that root is about to make in the usual place goes to the agent's user. */
static bool other_owner(const cli_call *call)
{
    uid_t user;
    gid_t group;
    if (geteuid() != 0)
        return false;
    const struct passwd *usual = getpwnam("ctai-agent");
    if ((call->command->flags & AGENT_COMMAND_NO_HOME) != 0 && usual != NULL
        && strcmp(call->home, call->program->default_home) == 0 && home_make(call->home) == HOME_OK
        && chown(call->home, usual->pw_uid, usual->pw_gid) != 0)
        return false;
    return home_owner(call->home, &user, &group) == HOME_OK && user != 0;
}

static int home_refused(cli_call *call, home_error error)
{
    agent_home_result result = {.error = AGENT_HOME_HOME, .home_reason = error, .system_error = errno};
    (void)text_copy(result.path, sizeof result.path, text_of(call->home));
    return agent_call_home_failed(call, &result);
}

/* Runs the call in a process that belongs to the home's owner. */
static int run_as_owner(cli_call *call, int deposit)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return cli_fail(call, CLI_FAULT, "le système refuse un processus de plus : %s", oserror_text(errno));
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        home_error error = home_become_owner(call->home);
        int code = error == HOME_OK ? run_in_home(call, deposit) : home_refused(call, error);
        (void)fflush(NULL);
        _exit(code);
    }
    int ended;
    while (waitpid(child, &ended, 0) < 0)
        if (errno != EINTR)
            return CLI_FAULT;
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : CLI_FAULT;
}

/* Puts what the command has left in the deposit ("NAME\n" and its bytes) into the user's folder. */
static int place_deposit(cli_call *call, int deposit)
{
    struct stat about;
    if (fstat(deposit, &about) != 0 || about.st_size == 0)
        return CLI_DONE;
    char path[PATH_MAX], *content = malloc((size_t)about.st_size);
    ssize_t size = content == NULL ? -1 : pread(deposit, content, (size_t)about.st_size, 0);
    char *end = size > 0 ? memchr(content, '\n', (size_t)size) : NULL;
    if (end == NULL || memchr(content, '/', (size_t)(end - content)) != NULL) {
        free(content);
        return agent_call_no_memory(call);
    }
    *end = '\0';
    int length = snprintf(path, sizeof path, "%s/%s", strcmp(call->folder, "/") == 0 ? "" : call->folder, content);
    errno = ENAMETOOLONG;
    outfile *file = length > 0 && (size_t)length < sizeof path ? outfile_open(path, false) : NULL;
    if (file != NULL)
        (void)fwrite(end + 1, 1, (size_t)(content + size - end - 1), outfile_stream(file));
    bool placed = file != NULL && outfile_commit(&file);
    int code = placed
        ? CLI_DONE
        : cli_fail(call, CLI_CANNOT_WRITE,
                   "impossible d’écrire %s : %s. Placez-vous dans un dossier où vous pouvez écrire et recommencez",
                   content, oserror_text(errno));
    free(content);
    return code;
}

/* Standard input is the operand that was not given: opened here, where it is the user's. */
static void open_standard(cli_call *call)
{
    cli_file *file = &call->operand_files[0];
    if ((call->command->flags & AGENT_COMMAND_TEXT) == 0 || call->operand_count > 0 || cli_given(call, "withdraw"))
        return;
    int opened = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    call->operands[call->operand_count++] = file->name = "-";
    file->file = opened < 0 ? NULL : fdopen(opened, "r");
    file->error = file->file == NULL ? errno : 0;
    if (file->file == NULL && opened >= 0)
        close(opened);
}

int agent_dispatch(cli_call *call)
{
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    int code = CLI_DONE;
    open_standard(call);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        input_settle(&call->files[i]);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        input_settle(&call->operand_files[i]);
    if ((call->command->flags & AGENT_COMMAND_CONFIRM) != 0
        && (code = agent_key_confirm(call, fingerprint)) != CLI_DONE)
        return code;
    bool owner = other_owner(call);
    if ((call->command->flags & AGENT_COMMAND_SERVE) != 0 && owner) {
        home_error error = home_become_owner(call->home);
        if (error != HOME_OK)
            return home_refused(call, error);
        owner = false;
    }
    int deposit = memfd_create("ctai-deposit", MFD_CLOEXEC);
    if (deposit < 0)
        return cli_fail(call, CLI_FAULT, "la mémoire manque : %s", oserror_text(errno));
    code = owner ? run_as_owner(call, deposit) : run_in_home(call, deposit);
    if (code == CLI_DONE)
        code = place_deposit(call, deposit);
    close(deposit);
    return code;
}

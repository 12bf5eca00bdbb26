/* agent_commands: the agent's commands, one function for each, as the table of main names them. */
#ifndef CTAI_AGENT_COMMANDS_H
#define CTAI_AGENT_COMMANDS_H

#include "agent_call.h"

enum {
    AGENT_COMMAND_NO_HOME = 1, /* flag: runs without an identity (init) */
    AGENT_COMMAND_SERVE = 2, /* flag: owns the home for as long as it runs */
    AGENT_COMMAND_CONFIRM = 4, /* flag: agent_key_confirm comes first, where the user is */
    AGENT_COMMAND_APART = 8, /* flag: runs beside whoever has the home, and opens what it needs by itself (doctor) */
    AGENT_COMMAND_TEXT = 16, /* flag: its operand is standard input when it is not given, unless with --withdraw */
};

extern const cli_option agent_init_options[], agent_scope_options[], agent_grant_options[], agent_accept_options[],
    agent_rotate_options[], agent_check_options[], agent_preview_options[], agent_push_options[],
    agent_forget_options[], agent_narrative_options[], agent_explain_options[];

int agent_init_run(cli_call *call);
int agent_join_run(cli_call *call);
int agent_key_create_run(cli_call *call);
int agent_key_grant_run(cli_call *call);
int agent_key_accept_run(cli_call *call);
int agent_key_rotate_run(cli_call *call);
int agent_key_list_run(cli_call *call);
int agent_check_run(cli_call *call);
int agent_preview_run(cli_call *call);
int agent_push_run(cli_call *call);
int agent_forget_run(cli_call *call);
int agent_narrative_run(cli_call *call);
int agent_explain_run(cli_call *call);
int agent_serve_run(cli_call *call);
int agent_status_run(cli_call *call);
int agent_doctor_run(cli_call *call);
extern const cli_option agent_receipts_options[];
int agent_receipts_run(cli_call *call);

/*
 * Before a key is granted or accepted without --to or --from: shows the fingerprint on the terminal and
 * asks. 0 with the option set (to fingerprint, which must live as long as the call), or an exit code.
 */
int agent_key_confirm(cli_call *call, char fingerprint[CRYPTO_FINGERPRINT_TEXT]);

/* Runs a parsed call: settles its files, takes the home or hands the call to the serve that has it. */
int agent_dispatch(cli_call *call);

extern const cli_program agent_program;

#endif

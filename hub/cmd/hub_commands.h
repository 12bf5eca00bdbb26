/* hub_commands: the commands of ctai-hub, each in the file that its name says; main.c has their table. */
#ifndef CTAI_HUB_COMMANDS_H
#define CTAI_HUB_COMMANDS_H

#include "cli.h"

extern const cli_option hub_init_options[];
int hub_init_run(cli_call *call);

int hub_backup_run(cli_call *call);
extern const cli_option hub_restore_options[];
int hub_restore_run(cli_call *call);

extern const cli_option hub_bundle_options[];
int hub_bundle_run(cli_call *call);

int hub_serve_run(cli_call *call);

int hub_contract_check_run(cli_call *call);
int hub_contract_add_run(cli_call *call);
int hub_contract_amend_run(cli_call *call);
extern const cli_option hub_export_options[];
int hub_contract_export_run(cli_call *call);
int hub_contract_import_run(cli_call *call);
int hub_contract_list_run(cli_call *call);
int hub_contract_show_run(cli_call *call);

extern const cli_option hub_approve_options[];
int hub_approve_run(cli_call *call);
int hub_agent_list_run(cli_call *call);
int hub_agent_show_run(cli_call *call);
int hub_agent_revoke_run(cli_call *call);
extern const cli_option hub_replace_options[];
int hub_replace_run(cli_call *call);

extern const cli_option hub_purge_options[];
int hub_purge_run(cli_call *call);

extern const cli_option hub_report_options[];
int hub_report_run(cli_call *call);
extern const cli_option hub_discrepancies_options[];
int hub_discrepancies_run(cli_call *call);
extern const cli_option hub_compare_options[];
int hub_compare_run(cli_call *call);

extern const cli_option hub_region_options[];
int hub_region_run(cli_call *call);
extern const cli_option hub_publish_options[];
int hub_publish_run(cli_call *call);

int hub_status_run(cli_call *call);

int hub_audit_verify_run(cli_call *call);
int hub_audit_export_run(cli_call *call);
int hub_doctor_run(cli_call *call);

#endif

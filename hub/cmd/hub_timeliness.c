/* hub_timeliness: see the header. */
#include "hub_timeliness.h"

#include "french.h"
#include "hub_form.h"

#define TEXT(view) (int)(view).size, (view).at

static json_t *duty_json(const timeliness *what, const timeliness_duty *duty)
{
    const timeliness_statement *said = duty->said;
    json_t *months = json_array();
    for (unsigned i = 0; said && i < said->month_count; i++)
        json_array_append_new(months, hub_form_month_json(said->months[i]));
    bool covers = said && said->covers;
    return json_pack("{so, so, so, sb, so, so, so, so, so}", "action", hub_form_text(duty->action), "agent", hub_form_text(duty->agent),
                     "operateur", hub_form_text(duty->name), "attendu", (int)duty->expected,
                     "dernier_mois", covers ? hub_form_month_json(said->last_month) : json_null(),
                     "complet", covers ? json_boolean(said->complete) : json_null(),
                     "recu_le", said ? hub_form_text(said->received) : json_null(),
                     "retard_mois", duty->expected && what->due != CIVIL_NONE ? json_integer(duty->late) : json_null(),
                     "mois", months);
}

void hub_timeliness_json(json_t *to, const timeliness *what)
{
    json_t *duties = json_array();
    for (unsigned i = 0; i < what->duty_count; i++)
        json_array_append_new(duties, duty_json(what, &what->duties[i]));
    json_object_set_new(to, "etat", json_string(timeliness_state_name(what->state)));
    json_object_set_new(to, "mois_du", hub_form_month_json(what->due));
    json_object_set_new(to, "attendus", json_integer(what->expected));
    json_object_set_new(to, "a_jour", what->due == CIVIL_NONE ? json_null() : json_integer(what->on_time));
    json_object_set_new(to, "retard_mois", what->due == CIVIL_NONE ? json_null() : json_integer(what->late));
    json_object_set_new(to, "dernier_envoi", hub_form_text(what->received));
    json_object_set_new(to, "envois", duties);
}

void hub_timeliness_late(const timeliness *what, unsigned late, char text[HUB_TIMELINESS_LATE_TEXT])
{
    if (what->due == CIVIL_NONE || what->expected == 0)
        snprintf(text, HUB_TIMELINESS_LATE_TEXT, "—");
    else if (late == 0)
        snprintf(text, HUB_TIMELINESS_LATE_TEXT, "à jour");
    else
        snprintf(text, HUB_TIMELINESS_LATE_TEXT, "%u mois", late);
}

static void print_month(FILE *to, civil_month month)
{
    fprintf(to, "%s %d", french_month(month), (int)(month / 12));
}

/* "nov. 2023, de janvier à mars 2024" would be longer: each run of months is its first and its last. */
static void print_months(FILE *to, const timeliness_statement *said)
{
    char first[CIVIL_MONTH_TEXT], last[CIVIL_MONTH_TEXT];
    for (unsigned i = 0; i < said->month_count;) {
        unsigned end = i;
        while (end + 1 < said->month_count && said->months[end + 1] == said->months[end] + 1)
            end++;
        civil_month_text(said->months[i], first);
        civil_month_text(said->months[end], last);
        fprintf(to, end > i ? "%s%s à %s" : "%s%s", i > 0 ? ", " : " ; mois avec des faits : ", first, last);
        i = end + 1;
    }
}

static void print_duty(FILE *to, const timeliness *what, const timeliness_duty *duty)
{
    const timeliness_statement *said = duty->said;
    char late[HUB_TIMELINESS_LATE_TEXT];
    hub_timeliness_late(what, duty->late, late);
    fprintf(to, "    %.*s · %.*s : ", TEXT(duty->action), TEXT(duty->agent));
    if (!duty->expected)
        fputs("(n’en est pas opérateur) ", to);
    if (!said || !said->covers) {
        fputs(said ? "aucun relevé de ce que couvrent ses envois" : "rien reçu", to);
    } else if (said->last_month == CIVIL_NONE) {
        fputs("un envoi sans aucun fait", to);
    } else {
        fputs("jusqu’à ", to);
        print_month(to, said->last_month);
        fputs(said->complete ? "" : " (ajouts seuls)", to);
    }
    if (said && said->received.size >= 10)
        fprintf(to, ", reçu le %.10s", said->received.at);
    if (duty->expected && what->due != CIVIL_NONE)
        fprintf(to, duty->late > 0 ? " ; en retard de %s" : " ; %s", late);
    if (said)
        print_months(to, said);
    fputc('\n', to);
}

void hub_timeliness_print(FILE *to, const timeliness *what)
{
    fprintf(to, "\n  Envois reçus (contrat %s", timeliness_state_name(what->state));
    if (what->due != CIVIL_NONE) {
        fputs(" ; mois dû : ", to);
        print_month(to, what->due);
    }
    fputs(")\n", to);
    if (what->state == TIMELINESS_CLOSED)
        fputs("    Le contrat est purgé : ce qui a été reçu n’est plus connu.\n", to);
    for (unsigned i = 0; what->state != TIMELINESS_CLOSED && i < what->duty_count; i++)
        print_duty(to, what, &what->duties[i]);
}

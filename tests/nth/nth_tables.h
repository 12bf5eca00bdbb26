/* nth_tables: the durable state of a hub's database for nth_hub: looked at, kept, brought back, by functions of the test's own. */
#ifndef CTAI_NTH_TABLES_H
#define CTAI_NTH_TABLES_H

#include "nth.h"
#include "storehouse.h"

/*
 * The durable state: all rows of all tables, without moments and times that something took. Kept beside and brought back by functions of the
 * test's own; numbers that were drawn in vain are given out again.
 */
static const char nth_tables[] =
    "CREATE OR REPLACE FUNCTION public.nth_state() RETURNS text LANGUAGE plpgsql AS $$"
    " DECLARE one record; rows text; said text := '';"
    " BEGIN"
    "  FOR one IN SELECT table_name, string_agg(quote_ident(column_name), ',' ORDER BY ordinal_position) AS columns"
    "   FROM information_schema.columns WHERE table_schema = 'ctai' AND data_type NOT LIKE 'timestamp%' AND column_name <> 'took_us' GROUP BY 1 ORDER BY 1 LOOP"
    "   EXECUTE format('SELECT md5(coalesce(string_agg(t::text, E''\\n'' ORDER BY t::text), '''')) FROM (SELECT %s FROM ctai.%I) AS t',"
    "                  one.columns, one.table_name) INTO rows;"
    "   said := said || one.table_name || ' ' || rows || E'\\n';"
    "  END LOOP;"
    "  RETURN said;"
    " END $$;"
    "CREATE OR REPLACE FUNCTION public.nth_keep() RETURNS void LANGUAGE plpgsql AS $$"
    " DECLARE name text;"
    " BEGIN"
    "  DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept;"
    "  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'ctai' LOOP"
    "   EXECUTE format('CREATE TABLE kept.%I AS TABLE ctai.%I', name, name);"
    "  END LOOP;"
    " END $$;"
    "CREATE OR REPLACE FUNCTION public.nth_settle() RETURNS void LANGUAGE plpgsql AS $$"
    " BEGIN"
    "  PERFORM setval(pg_get_serial_sequence('ctai.agent', 'agent'), (SELECT coalesce(max(agent), 0) + 1 FROM ctai.agent), false);"
    "  PERFORM setval(pg_get_serial_sequence('ctai.contract', 'contract_id'),"
    "                 (SELECT coalesce(max(contract_id), 0) + 1 FROM ctai.contract), false);"
    "  PERFORM setval(pg_get_serial_sequence('ctai.mark', 'mark'), (SELECT coalesce(max(mark), 0) + 1 FROM ctai.mark), false);"
    " END $$;"
    "CREATE OR REPLACE FUNCTION public.nth_restore() RETURNS void LANGUAGE plpgsql AS $$"
    " DECLARE name text;"
    " BEGIN"
    "  SET LOCAL session_replication_role = replica;"
    "  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'ctai' LOOP"
    "   EXECUTE format('DELETE FROM ctai.%I', name);"
    "   EXECUTE format('INSERT INTO ctai.%I OVERRIDING SYSTEM VALUE TABLE kept.%I', name, name);"
    "  END LOOP;"
    "  PERFORM public.nth_settle();"
    " END $$";

/* In what is run, where Check's own memory would fail. */
static inline void must(bool good)
{
    if (!good)
        abort();
}

static inline void settle(void)
{
    house_run("SELECT public.nth_settle()");
}

static inline void restore(void)
{
    house_run("SELECT public.nth_restore()");
}

static inline void state(batch_buffer *to)
{
    database_result *result = NULL;
    ck_assert_int_eq(database_query(&house.reader, "SELECT public.nth_state()", NULL, 0, &result), DATABASE_OK);
    const char *text = database_text(result, 0, 0);
    batch_buffer_append(to, text, strlen(text));
    database_release(&result);
}

#endif

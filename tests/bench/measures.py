"""What tests/bench/run measures: each function gives a dictionary of figures; rates are rows a second, times in the unit of their name."""

import os
import shutil
import time

import harness
import office
from stage import CONTRACT_2024, Driver, Nats, Rusage, Unconsolidated, drive, median, percentile


def rate(numbers):
    """Of a comparison's line: rows, nanoseconds."""
    (rows, ns), = numbers
    return rows / (ns / 1e9)


class Pace:
    """Rounds of the same rows the five ways; medians of the rounds."""

    def __init__(self, stage, rows, insert_rows, parallel=()):
        self.stage, self.rows, self.insert_rows, self.parallel = stage, rows, insert_rows, parallel
        self.figures = {}
        self.nats = Nats(stage.world.path("nats"))

    def note(self, key, value):
        self.figures.setdefault(key, []).append(value)

    def ingest(self, names, label, version=0):
        """All of these agents send as many new records (or a version of those that they have) together."""
        each = self.rows // len(names)
        for name in names:
            assert not version or self.stage.used[name] >= each, f"{name} has fewer than {each} records to correct"
            self.stage.fill(name, each, version=version, start=self.stage.used[name] - each if version else None)
        self.stage.checkpoint()
        sent = self.stage.send(names)
        self.note(label, sent["rows"] / sent["seconds"])
        self.note("sender_rss_mb", sent["rss_mb"])
        self.note("sender_cpu_us_row", 1e6 * sent["cpu_s"] / sent["rows"])

    def compare(self, path, number):
        """The rows that the hub has just stored, by other ways."""
        stage = self.stage
        for table, batch, key in (("copie", 1000, "copy_1000"), ("copie_grande", 0, "copy_large")):
            stage.checkpoint()
            self.note(key, rate(drive("peer_copy", stage.conninfo, f"banc.{table}", path, batch)))
        if self.nats.url:
            stage.checkpoint()
            self.note("nats", rate(drive("peer_nats", self.nats.url, stage.conninfo, "banc.nats", path, f"banc-{number}")))
        stage.checkpoint()
        self.note("insert", rate(drive("peer_insert", stage.conninfo, "banc.insertion", path, self.insert_rows)))

    def round(self, number):
        """One of each, side by side: first an office's first push, which the other ways then follow, row by row; then its next, and one consolidated."""
        stage, path = self.stage, self.stage.world.path(f"lignes-{number}")
        newcomer, other = [next(stage.newcomers)], [next(stage.newcomers)]
        stage.settle()
        with Unconsolidated(stage):
            begun = stage.position()
            self.ingest(newcomer, "end_to_end")
            stage.export_since(begun, path)
            self.compare(path, number)
            os.unlink(path)
            self.ingest(newcomer, "end_to_end_later")
        stage.settle()
        self.ingest(other, "end_to_end_consolidated")

    def crowd(self, number):
        """Several agents together, and corrections."""
        for count in self.parallel:
            self.ingest(self.stage.agents[:count], f"end_to_end_{count}")
        for count in (1, *self.parallel):
            self.ingest(self.stage.agents[:count], f"corrections_{count}", version=number + 1)

    def run(self, rounds, until=None):
        """Medians; the lists are under "tours". No round begins that would last beyond that moment of the monotonic clock, but for the first."""
        longest = 0
        try:
            for number in range(rounds):
                begun = time.monotonic()
                if number == 0 or until is None or begun + longest < until:
                    self.round(number)
                    longest = max(longest, time.monotonic() - begun)
        finally:
            self.nats.close()
        if self.parallel:  # after the rounds: in these the hub's tables grow no faster than they must
            self.stage.fill(self.stage.agents[0], self.rows)
            self.stage.send(self.stage.agents[:1])
            for number in range(rounds):
                self.crowd(number)
        made = {key: median(values) for key, values in self.figures.items()}
        ratios = {"of_copy_1000": ("end_to_end", "copy_1000"), "of_copy_large": ("end_to_end", "copy_large"),
                  "with_consolidation": ("end_to_end_consolidated", "end_to_end"), "later_over_first": ("end_to_end_later", "end_to_end"),
                  "over_nats": ("end_to_end", "nats"),
                  "over_insert": ("end_to_end", "insert")}
        for key, (above, below) in ratios.items():
            # Within one round both had the same machine: the median of the rounds' ratios.
            made[key] = median([a / b for a, b in zip(self.figures[above], self.figures.get(below, []))])
        made["tours"] = {key: [round(value, 1) for value in values] for key, values in self.figures.items()}
        return made


def cell_question(stage):
    """What tells the number that a sent record raises by one: the standing cell, which the hub keeps and readers read."""
    assert stage.sql("SELECT count(*) FROM ctai.indicator WHERE code = 'L.sollicitations'") != "0"
    return ("SELECT coalesce((SELECT k.value FROM ctai.cell AS k JOIN ctai.contract_action AS a USING (contract_id, action)"
            f" JOIN ctai.contract AS c USING (contract_id) WHERE c.id = '{CONTRACT_2024}' AND a.code = 'axe1' AND k.indicator = 'L.sollicitations'), '0')")


def latency(stage, idle, loaded, load_rows, contract_rows):
    """One record at a time, of a contract of contract_rows records, then the same while another agent sends in bulk. For the cell they come
    forty a second: a hub that gets more than that is not at rest, and spares its evaluation (consolidator.h)."""
    stage.fill("latence", contract_rows, contract=CONTRACT_2024)
    stage.send(["latence"])
    stage.settle()
    question = cell_question(stage)
    made = {"latency_contract_rows": contract_rows}

    def measure(prefix, from_, count, every_ms, conninfo):
        running = Driver("bench_agent", "latency", stage.home("latence"), CONTRACT_2024, from_, count, every_ms, *([conninfo, question] if conninfo else []))
        try:
            running.wait_ready()
            rows = running.numbers()
        finally:
            running.stop()
        for column, name in ((0, "queue"), (1, "ack"), (2, "cell")):
            if name != "cell" or conninfo:
                for percent in (50, 99):
                    made[f"{prefix}{name}_p{percent}_ms"] = percentile([row[column] for row in rows], percent) / 1e6

    measure("", 0, idle, 5, None)
    measure("cell_run_", idle, idle // 2, 25, stage.conninfo)
    made["cell_p50_ms"], made["cell_p99_ms"] = made.pop("cell_run_cell_p50_ms"), made.pop("cell_run_cell_p99_ms")
    if loaded:
        stage.fill(stage.agents[0], load_rows)
        bulk = Driver("bench_agent", "send", stage.home(stage.agents[0])).wait_ready()
        try:
            bulk.go()
            measure("loaded_", 2 * idle, loaded, 20, stage.conninfo)
            made["loaded_whole"] = bulk.process.poll() is None  # the load lasted to the end
            bulk.numbers()
        finally:
            bulk.stop()
    return {key: value for key, value in made.items() if not key.startswith("cell_run_")}


def agent_alone(stage, events, persons, rounds):
    """`ctai-agent push --wait 0` of an office's files: read, checked, made into records, compared, signed, queued; then the same export again."""
    folder, template = stage.world.path("bureau"), stage.home("csv")
    office.PERSONS = persons
    office.write(events, folder)
    tables = ["--persons", os.path.join(folder, "personnes.csv"), "--events", os.path.join(folder, "evenements.csv")]
    first, again = [], []
    for number in range(rounds):
        home = stage.world.path(f"csv-{number}")
        shutil.copytree(template, home, ignore=shutil.ignore_patterns("*.sock", "*lock*"), copy_function=shutil.copy2)
        argv = [os.path.join(harness.BIN, "ctai-agent"), "--home", home, "push", *tables, "--contract", harness.CONTRACT, "--wait", "0"]
        for runs in (first, again):
            runs.append(Rusage(argv, cwd=stage.world.directory))
            assert runs[-1].code in (0, 69, 75), f"push gave {runs[-1].code}"
        shutil.rmtree(home)
    return {"agent_events": events, "agent_persons": persons, "agent_rows_s": median([events / run.wall_s for run in first]),
            "agent_rows_cpu_s": median([events / run.cpu_s for run in first]), "agent_again_rows_s": median([events / run.wall_s for run in again]),
            "agent_rss_mb": max(run.rss_mb for run in first + again)}


def report(stage, rounds):
    """`ctai-hub report` of the contract of most agents, and the region with all contracts: whole commands, cells up to date."""
    stage.settle()
    hub = os.path.join(harness.BIN, "ctai-hub")

    def timed(*arguments):
        runs = [Rusage([hub, "--home", stage.world.hub_home, *arguments], cwd=stage.world.directory) for _ in range(rounds)]
        return 1000 * median([run.wall_s for run in runs]) if not any(run.code for run in runs) else None

    rows = int(stage.sql("SELECT count(*) FROM ctai.record AS r JOIN ctai.contract AS c USING (contract_id)"
                         f" WHERE c.id = '{harness.CONTRACT}'"))
    return {"report_ms": timed("report", harness.CONTRACT, "--format", "csv"), "report_records": rows,
            "region_ms": timed("region", "84", "--draft", "--format", "csv")}


# Contracts of a scope of its own, each with as many of the agent's records (other keys and people): no file, no agent, the tables alone.
SCALE_SQL = """
INSERT INTO ctai.scope SELECT (jsonb_populate_record(s, '{{"scope": "banc"}}')).* FROM ctai.scope AS s WHERE scope = '63' ON CONFLICT DO NOTHING;
INSERT INTO ctai.contract (id, scope) SELECT 'banc-' || n, 'banc' FROM generate_series({first}, {last}) AS n;
CREATE TEMPORARY TABLE model AS SELECT contract_id FROM ctai.contract WHERE id = '{contract}';
CREATE TEMPORARY TABLE made AS SELECT contract_id FROM ctai.contract
    WHERE id IN (SELECT 'banc-' || n FROM generate_series({first}, {last}) AS n);
INSERT INTO ctai.contract_version SELECT (jsonb_populate_record(v, jsonb_build_object('contract_id', m.contract_id))).*
    FROM ctai.contract_version AS v JOIN model USING (contract_id), made AS m;
INSERT INTO ctai.contract_action SELECT (jsonb_populate_record(v, jsonb_build_object('contract_id', m.contract_id))).*
    FROM ctai.contract_action AS v JOIN model USING (contract_id), made AS m;
INSERT INTO ctai.contract_version_action SELECT (jsonb_populate_record(v, jsonb_build_object('contract_id', m.contract_id))).*
    FROM ctai.contract_version_action AS v JOIN model USING (contract_id), made AS m;
INSERT INTO ctai.indicator SELECT (jsonb_populate_record(v, jsonb_build_object('contract_id', m.contract_id))).*
    FROM ctai.indicator AS v JOIN model USING (contract_id), made AS m;
CREATE TEMPORARY TABLE sample AS SELECT r.* FROM ctai.record AS r JOIN model USING (contract_id) WHERE r.scope = '63' ORDER BY r.position LIMIT {each};
UPDATE sample SET scope = 'banc', position = 1;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT contract_id FROM made LOOP
        UPDATE sample SET contract_id = one.contract_id, key = md5(key::text || one.contract_id)::uuid,
            token_e = md5(token_e::text || one.contract_id)::uuid, token_i = md5(token_i::text || one.contract_id)::uuid;
        INSERT INTO ctai.record SELECT * FROM sample ORDER BY key;
    END LOOP;
END $$;
VACUUM ANALYZE ctai.record;
"""


def grow(stage, records, each):
    """Brings the scope "banc" to that many records, in contracts of so many each."""
    there = int(stage.sql("SELECT count(*) FROM ctai.contract WHERE scope = 'banc'"))
    wanted = records // each
    if wanted > there:
        stage.psql(SCALE_SQL.format(first=there + 1, last=wanted, contract=harness.CONTRACT, each=each))


def cells(stage, records, times, each=25000):
    """One dirty cell (of a type of records, in all lines of its contract) made to stand again, against a whole contract's cells and all contracts'; and what
    a reader's report of the contract costs where its cells stand and where they do not."""
    grow(stage, records, each)
    one = stage.sql("SELECT min(contract_id) FROM ctai.contract WHERE scope = 'banc'")
    mark = "INSERT INTO ctai.mark (scope, contract_id, type) SELECT scope, contract_id, {} FROM ctai.contract WHERE {}"
    report = f"SELECT * FROM ctai.report((SELECT id FROM ctai.contract WHERE contract_id = {one}), NULL, NULL, 9000000000)"
    with stage.hub_at_rest():
        cell_ms = stage.timed_after(mark.format("'sollicitation'", f"contract_id = {one}"), f"SELECT ctai.consolidate({one})", 9)
        whole_ms = stage.timed_after(mark.format("NULL", f"contract_id = {one}"), f"SELECT ctai.consolidate({one})", max(3, times))
        stood_ms = stage.timed_sql(report, 5)
        evaluated_ms = stage.timed_after(mark.format("'sollicitation'", f"contract_id = {one}"), report, 3)
        all_ms = stage.timed_after(mark.format("NULL", "scope = 'banc'"),
                                   "SELECT count(ctai.consolidate(contract_id)) FROM ctai.contract WHERE scope = 'banc'", times)
    return {"cells_records": records, "contract_records": each, "cell_ms": cell_ms, "contract_ms": whole_ms, "all_ms": all_ms, "cell_over_all": all_ms / cell_ms,
            "reader_stands_ms": stood_ms, "reader_evaluates_ms": evaluated_ms}


def recovery(stage, rows):
    """A hub that is killed in the middle of a flow, started anew at once: seconds until it is ready, until all is acknowledged."""
    name = stage.agents[0]
    stage.fill(name, rows)
    begun_at = stage.position()
    bulk = Driver("bench_agent", "send", stage.home(name)).wait_ready()
    try:
        bulk.go()
        while stage.position() < begun_at + rows // 4000:
            time.sleep(0.02)
        done = (stage.position() - begun_at) * 1000
        killed = time.monotonic()
        stage.kill_hub()
        stage.world.serve()
        ready = time.monotonic()
        bulk.numbers()
        ended = time.monotonic()
    finally:
        bulk.stop()
    return {"recovery_rows_left": rows - done, "recovery_ready_s": ready - killed, "recovery_s": ended - killed}


def bulk(stage, rows):
    """A large first push: the hub's peak after it, and what a record takes on the disks: in the agent's outbox until it is acknowledged, in
    the database's tables and their indexes, in the ledger, in the log of writes that backups and standbys read."""
    name = next(stage.newcomers)

    def sizes():
        return [int(number) for number in stage.sql("SELECT pg_total_relation_size('ctai.record'), pg_total_relation_size('ctai.ledger'),"
                                                    " pg_current_wal_lsn() - '0/0'").split("|")]

    outbox = os.path.join(stage.home(name), "etat.sqlite")
    empty, begun = os.path.getsize(outbox), sizes()
    stage.fill(name, rows)
    queued = os.path.getsize(outbox) - empty
    sent = stage.send([name])
    grown = [after - before for after, before in zip(sizes(), begun)]
    return {"bulk_rows": rows, "bulk_rows_s": sent["rows"] / sent["seconds"], "hub_rss_mb": stage.hub_memory_mb(), "outbox_bytes": queued / rows,
            "record_bytes": grown[0] / rows, "ledger_bytes": grown[1] / rows, "wal_bytes": grown[2] / rows}


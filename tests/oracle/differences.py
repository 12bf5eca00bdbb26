"""What a second export changes at the hub (DOMAIN.md, "Exports are complete"; INTERFACE.md, push).

A row in error does not withdraw what an earlier export said of it: its own record, and the beneficiary record of the
month that rested on it.
"""

from dataclasses import dataclass, field, replace


@dataclass
class Held:
    """What the hub holds of one operator in one contract: records by source, and what each beneficiary rests on."""
    records: dict = field(default_factory=dict)
    rests_on: dict = field(default_factory=dict)


def _content(record):
    """What leaves of a record: a person's local number or a reference's spelling are part of keys alone."""
    return replace(record, source=())


def push(held, outcome, partial=False):
    """Applies an export; returns (Held after, {"nouveaux", "modifies", "retires", "inchanges"})."""
    new = {r.source: r for r in outcome.records}
    counts = {"nouveaux": 0, "modifies": 0, "retires": 0, "inchanges": 0}
    for source, record in new.items():
        if source not in held.records:
            counts["nouveaux"] += 1
        elif _content(record) == _content(held.records[source]):
            counts["inchanges"] += 1
        else:
            counts["modifies"] += 1
    bad = {("event", number) for number in outcome.bad_events}
    after = Held(dict(new), {source: set(events) for source, events in outcome.supports.items()})
    for source, record in held.records.items():
        still = held.rests_on.get(source, set()) & (set(held.records) if partial else bad)
        if source in new or partial or source in bad or still:
            after.records.setdefault(source, record)
            if still:
                after.rests_on.setdefault(source, set()).update(still)
        else:
            counts["retires"] += 1
    return after, counts

"""Contract descriptions for the oracle: a dict, or a JSON file of the same shape.

`id`, `scope`, `first`, `last` (ISO days, both included), `actions` in order, `targets` {action: {indicator: number}},
`own`: the contract's own indicators as [code, kind, [types], [details] or null], in order (kinds: see cells.py).
"""

import json

THIERS_OWN = [
    ["L.sollicitations", "sum", ["sollicitation"], None],
    ["L.autonomie_suivi_medical", "facts", ["autonomie"], ["suivi_medical"]],
    ["L.autonomie_parentalite", "facts", ["autonomie"], ["parentalite"]],
    ["L.autonomie_scolarite", "facts", ["autonomie"], ["scolarite"]],
    ["L.assiduite", "attendance", ["entree", "presence"], None],
]

THIERS_2023 = {
    "id": "63-thiers-2023",
    "scope": "63",
    "first": "2023-11-30",
    "last": "2024-11-29",
    "actions": ["axe1", "axe2", "axe3"],
    "targets": {"axe1": {"1.1.total": 30}, "axe2": {"1.1.total": 20}, "axe3": {"1.1.total": 5}},
    "own": THIERS_OWN,
}

THIERS_2024 = {**THIERS_2023, "id": "63-thiers-2024", "first": "2024-11-30", "last": "2025-11-29"}

KNOWN = {contract["id"]: contract for contract in (THIERS_2023, THIERS_2024)}


def load(name):
    """A known contract by its id, or a description from a JSON file."""
    if name in KNOWN:
        return KNOWN[name]
    with open(name, encoding="utf-8") as file:
        return json.load(file)

"""Invented regions: contracts with people and facts over several quarters, and the regional tables that they give."""
import random

# code, kind, basis (0 persons, 1 households, 2 records, 3 nobody), measure (0 none, 1 minutes, 2 count, 3 cents, 4 days),
# sex, bpi, under_25, types, details
INDICATORS = [
    ("1.1.total", "personnes", 0, 0, "-", 0, 0, ["beneficiaire"], []),
    ("1.1.hommes", "personnes", 0, 0, "H", 0, 0, ["beneficiaire"], []),
    ("1.1.femmes", "personnes", 0, 0, "F", 0, 0, ["beneficiaire"], []),
    ("1.1.moins_25", "personnes", 0, 0, "-", 0, 1, ["beneficiaire"], []),
    ("1.1.bpi", "personnes", 0, 0, "-", 1, 0, ["beneficiaire"], []),
    ("1.1.bpi_hommes", "personnes", 0, 0, "H", 1, 0, ["beneficiaire"], []),
    ("1.1.bpi_femmes", "personnes", 0, 0, "F", 1, 0, ["beneficiaire"], []),
    ("1.1.bpi_moins_25", "personnes", 0, 0, "-", 1, 1, ["beneficiaire"], []),
    ("1.1.distinct", "personnes", 0, 0, "-", 0, 0, ["beneficiaire"], []),
    ("1.2.acteurs", "somme", 2, 2, "-", 0, 0, ["acteurs_formes"], []),
    ("1.2.heures", "heures", 2, 1, "-", 0, 0, ["formation_acteurs"], []),
    ("2.cout_total", "somme", 3, 3, "-", 0, 0, ["cout"], []),
    ("3.1.heures", "heures", 2, 1, "-", 0, 0, ["seance"], ["francais"]),
    ("3.1.assidus", "assiduite", 0, 0, "-", 0, 0, ["entree", "presence"], []),
    ("3.1.progres_cecrl", "progres", 0, 0, "-", 0, 0, ["niveau_debut", "niveau_fin"], []),
    ("3.2.duree_moyenne_mois", "duree_moyenne", 0, 4, "-", 0, 0, ["sortie"], []),
    ("3.2.sorties_positives", "personnes", 0, 0, "-", 0, 0, ["sortie"], ["emploi_durable", "emploi_6_mois", "emploi", "formation"]),
    ("3.2.formation", "personnes", 0, 0, "-", 0, 0, ["sortie"], ["formation"]),
    ("3.2.emploi_durable", "personnes", 0, 0, "-", 0, 0, ["sortie"], ["emploi_durable"]),
    ("3.2.positives_6_mois", "personnes", 0, 0, "-", 0, 0, ["suivi_6_mois"], ["positif"]),
    ("3.2.suivis_6_mois", "personnes", 0, 0, "-", 0, 0, ["suivi_6_mois"], []),
    ("3.3.heures", "heures", 2, 1, "-", 0, 0, ["seance"], ["laicite", "egalite", "autre"]),
    ("3.3.thematiques", "liste", 2, 0, "-", 0, 0, ["seance"], ["laicite", "egalite", "autre"]),
    ("3.4.menages", "menages", 1, 0, "-", 0, 0, ["logement_perenne"], []),
    ("3.5.consultations", "somme", 2, 2, "-", 0, 0, ["consultation_medicale"], []),
    ("3.7.binomes", "references", 2, 0, "-", 0, 0, ["binome_mentorat"], []),
    ("3.8.sport", "references", 2, 0, "-", 0, 0, ["evenement_sportif"], []),
]
DISTINCT = 8
LISTS = {"liste"}


class Region:
    """people[contract][quarter] holds what is true of each person from that quarter on."""

    def __init__(self, seed, departments=3, contracts=8, size=(3, 80), quarters=8, shared=0.3, unstated=0.02, zeros=0.3):
        dice = self.dice = random.Random(seed)
        self.quarters = quarters
        self.contracts = []
        names = [f"{d:02d}" for d in range(1, departments + 1)]
        for c in range(contracts):
            department = names[c % departments] if c < departments else dice.choice(names)
            low, high = size
            people = int(low * (high / low) ** dice.random())
            self.contracts.append({"name": f"c{c:03d}", "department": department, "scope": "s" + department
                                   if dice.random() < 0.85 else f"s{department}b", "people": [], "size": people})
        self.contracts.sort(key=lambda at: (at["department"], at["name"]))
        next_person = 0
        pools = {}
        for contract in self.contracts:
            offered = {name: dice.random() > zeros for name in ("francais", "emploi", "logement", "sante", "mentorat", "sport", "acteurs", "citoyen")}
            share_women, share_bpi, share_young = dice.uniform(0.2, 0.8), dice.uniform(0.2, 0.97), dice.uniform(0.05, 0.5)
            pool = pools.setdefault(contract["scope"], [])
            for _ in range(contract["size"]):
                if pool and dice.random() < shared:
                    who, sex, bpi, young = dice.choice(pool)
                else:
                    who, next_person = next_person, next_person + 1
                    sex = None if dice.random() < unstated else "F" if dice.random() < share_women else "H"
                    bpi, young = dice.random() < share_bpi, dice.random() < share_young
                    pool.append((who, sex, bpi, young))
                begin = dice.randrange(quarters)
                stays = 1 + int(dice.expovariate(0.6))
                person = {"who": who, "sex": sex, "bpi": bpi, "young": young, "quarters": list(range(begin, min(quarters, begin + stays))),
                          "assiduous": offered["francais"] and dice.random() < 0.6, "progress": offered["francais"] and dice.random() < 0.3,
                          "exit": None, "days": 0, "followed": None, "housed": offered["logement"] and dice.random() < 0.2,
                          "care": dice.randrange(1, 5) if offered["sante"] and dice.random() < 0.3 else 0}
                if offered["emploi"] and dice.random() < 0.5:
                    person["exit"] = dice.choice(["emploi_durable", "emploi", "formation", "formation", "autre"])
                    person["days"] = dice.randrange(20, 500)
                    if dice.random() < 0.4:
                        person["followed"] = dice.random() < 0.6
                contract["people"].append(person)
            if len({p["who"] for p in contract["people"]}) < len(contract["people"]):
                seen, kept = set(), []
                for p in contract["people"]:
                    if p["who"] not in seen:
                        seen.add(p["who"])
                        kept.append(p)
                contract["people"] = kept
            contract["facts"] = []
            for quarter in range(quarters):
                def some(kind, offered_as, most, amount):
                    if offered[offered_as]:
                        for _ in range(dice.randrange(most)):
                            contract["facts"].append((quarter, kind, amount()))
                some("francais", "francais", 40, lambda: dice.choice([60, 90, 120, 180]))
                some("citoyen", "citoyen", 5, lambda: dice.choice([60, 120]))
                some("acteurs", "acteurs", 4, lambda: dice.randrange(1, 12))
                some("heures_acteurs", "acteurs", 4, lambda: dice.choice([120, 180, 420]))
                some("binome", "mentorat", 6, lambda: 1)
                some("sport", "sport", 4, lambda: 1)

    def values(self, contract, first, last):
        """{indicator: (has_value, amount, rests, shown)} of a contract for quarters first..last."""
        here = [p for p in contract["people"] if any(first <= q <= last for q in p["quarters"])]
        ended = [p for p in here if p["exit"] and first <= p["quarters"][-1] <= last]

        def people(group):
            count = len({p["who"] for p in group})
            return (1, count, count, str(count))

        def facts(kind, counts=False):
            rows = [a for q, k, a in contract["facts"] if k == kind and first <= q <= last]
            total = len(rows) if counts else sum(rows)
            return (1, total, len(rows), str(total))

        bpi = [p for p in here if p["bpi"]]
        positive = [p for p in ended if p["exit"] != "autre"]
        followed = [p for p in ended if p["followed"] is not None]
        out = {
            "1.1.total": people(here), "1.1.hommes": people([p for p in here if p["sex"] == "H"]),
            "1.1.femmes": people([p for p in here if p["sex"] == "F"]), "1.1.moins_25": people([p for p in here if p["young"]]),
            "1.1.bpi": people(bpi), "1.1.bpi_hommes": people([p for p in bpi if p["sex"] == "H"]),
            "1.1.bpi_femmes": people([p for p in bpi if p["sex"] == "F"]), "1.1.bpi_moins_25": people([p for p in bpi if p["young"]]),
            "1.2.acteurs": facts("acteurs"), "1.2.heures": facts("heures_acteurs"), "2.cout_total": (1, 100000, 0, "1000"),
            "3.1.heures": facts("francais"), "3.1.assidus": people([p for p in here if p["assiduous"]]),
            "3.1.progres_cecrl": people([p for p in here if p["progress"]]),
            "3.2.duree_moyenne_mois": (int(bool(ended)), sum(p["days"] for p in ended), len({p["who"] for p in ended}), "0"),
            "3.2.sorties_positives": people(positive), "3.2.formation": people([p for p in positive if p["exit"] == "formation"]),
            "3.2.emploi_durable": people([p for p in positive if p["exit"] == "emploi_durable"]),
            "3.2.positives_6_mois": people([p for p in followed if p["followed"]]), "3.2.suivis_6_mois": people(followed),
            "3.3.heures": facts("citoyen"), "3.4.menages": people([p for p in here if p["housed"]]),
            "3.5.consultations": (1, sum(p["care"] for p in here), sum(1 for p in here if p["care"]), "0"),
            "3.7.binomes": facts("binome", True), "3.8.sport": facts("sport", True),
        }
        rows = [a for q, k, a in contract["facts"] if k == "citoyen" and first <= q <= last]
        number = int(contract["name"][1:])
        offered = (["laicite", "egalite", "autre"] * 2)[number % 3:number % 3 + 1 + number // 3 % 3]  # one to three
        themes = sorted({offered[i % len(offered)] for i in range(len(rows))})
        out["3.3.thematiques"] = (int(bool(themes)), 0, len(rows), ";".join(themes) or "-")
        return out

    def table(self, first, last, whole=False):
        """A release: quarters first..last, from 2023 on; whole: as what is known of the contracts by then."""
        territories, cells, sums = [], [], {}
        departments = sorted({c["department"] for c in self.contracts})
        order = [i[0] for i in INDICATORS]
        region_at = len(self.contracts) + len(departments)
        distinct = {"": {}}
        for department in departments:
            inside = [c for c in self.contracts if c["department"] == department]
            at = len(territories) + len(inside)
            for contract in inside:
                values = self.values(contract, first, last)
                cells += [(len(territories), i) + values[code] for i, code in enumerate(order) if i != DISTINCT]
                territories.append((0, department, contract["name"], contract["scope"], at))
                here = {(contract["scope"], p["who"]) for p in contract["people"] if any(first <= q <= last for q in p["quarters"])}
                for level in (at, region_at):
                    for code, value in values.items():
                        sums.setdefault((level, code), []).append(value)
                    distinct.setdefault(level, set()).update(here)
            territories.append((1, department, "-", "-", region_at))
            cells += self.sums(at, sums, order, distinct)
        territories.append((2, "-", "-", "-", region_at))
        cells += self.sums(region_at, sums, order, distinct)
        return {"from": None if whole else first, "to": None if whole else last, "territories": territories,
                "cells": [list(c) + [0, 0, 0] for c in cells]}

    @staticmethod
    def sums(level, sums, order, distinct):
        out = []
        for i, code in enumerate(order):
            if i == DISTINCT:
                count = len(distinct.get(level, ()))
                out.append((level, i, 1, count, count, str(count)))
                continue
            rows = sums[(level, code)]
            shown = "-"
            if INDICATORS[i][1] in LISTS:
                themes = sorted({t for r in rows for t in r[3].split(";")} - {"-"})
                shown = ";".join(themes) or "-"
            out.append((level, i, max(r[0] for r in rows), sum(r[1] for r in rows), sum(r[2] for r in rows), shown))
        return out


def month(quarter, last):
    return f"{2023 + quarter // 4}-{quarter % 4 * 3 + (3 if last else 1):02d}"


def write(releases, threshold=11, values=5, strict=0):
    """The plain text form of mask_tables.c."""
    out = [f"options {threshold} {values} {strict} releases {len(releases)}"]
    for release in releases:
        if release["from"] is None:
            out.append(f"release - - {len(INDICATORS)} {len(release['territories'])} {len(release['cells'])}")
        else:
            out.append(f"release {month(release['from'], False)} {month(release['to'], True)} {len(INDICATORS)}"
                       f" {len(release['territories'])} {len(release['cells'])}")
        for at, (code, kind, basis, measure, sex, bpi, young, types, details) in enumerate(INDICATORS):
            out.append(f"{code} {kind} {basis} {int(at == DISTINCT)} {measure} {sex} {bpi} {young} {len(types)} {' '.join(types)}"
                       f" {len(details)} {' '.join(details)}")
        out += [" ".join(map(str, t)) for t in release["territories"]]
        out += [f"{t} {i} {has} {amount} {rests} {rests if INDICATORS[i][1] == 'duree_moyenne' else 0} {masked} {primary} {repeated} {shown}"
                for t, i, has, amount, rests, shown, masked, primary, repeated in release["cells"]]
    return "\n".join(out) + "\n"

"""An attacker of published regional tables, written from the rules alone: whole numbers that are not negative, all published
cells, all earlier releases; and one who knows the rule, and one who is told which cells it masked by itself."""
import numpy
import scipy.optimize
import scipy.sparse

from tables import DISTINCT, INDICATORS, LISTS

CODES = [i[0] for i in INDICATORS]
PEOPLE = {"personnes", "menages", "assiduite", "progres"}
BLOCK = ["1.1.total", "1.1.hommes", "1.1.femmes", "1.1.moins_25", "1.1.bpi", "1.1.bpi_hommes", "1.1.bpi_femmes", "1.1.bpi_moins_25"]
WHOLES = {  # the cells whose masking masks this one too
    "1.1.hommes": ["1.1.total"], "1.1.femmes": ["1.1.total"], "1.1.moins_25": ["1.1.total"], "1.1.bpi": ["1.1.total"],
    "1.1.bpi_hommes": ["1.1.total", "1.1.hommes", "1.1.bpi"], "1.1.bpi_femmes": ["1.1.total", "1.1.femmes", "1.1.bpi"],
    "1.1.bpi_moins_25": ["1.1.total", "1.1.moins_25", "1.1.bpi"],
    "3.2.formation": ["3.2.sorties_positives"], "3.2.emploi_durable": ["3.2.sorties_positives"],
    "3.2.positives_6_mois": ["3.2.suivis_6_mois"],
}
AMONG = [(part, whole) for part, wholes in WHOLES.items() if part.startswith("3") for whole in wholes] + [
    (part, "1.1.total") for part in ("3.1.assidus", "3.1.progres_cecrl", "3.2.sorties_positives", "3.2.suivis_6_mois")]
NO_SUM = {"duree_moyenne"} | LISTS


def rule(release, threshold):
    """The cells that the rule alone masks: {(territory, code)}."""
    small = {(t, CODES[i]) for t, i, has, amount, rests, shown, *_ in release["cells"]
             if INDICATORS[i][2] != 3 and 1 <= rests < threshold}
    return small | {(t, CODES[i]) for t, i, *_ in release["cells"] if any((t, w) in small for w in WHOLES.get(CODES[i], []))}


class Attack:
    def __init__(self, releases, threshold, knows):
        """knows: "nothing", "rule" (masked outside a masked block: not zero) or "primary" (which cells the rule masked)."""
        self.low, self.high, self.whole = [], [], []
        self.rows = []  # (terms, low, high)
        self.threshold, self.knows = threshold, knows
        self.at = []    # per release {(territory, code): variable}
        self.releases = releases
        self.repeats = any(c[8] for release in releases for c in release["cells"])
        for release in releases:
            self.add_release(release)
        self.add_history()
        self.solve_setup()

    def variable(self, low, high, whole=True):
        self.low.append(low)
        self.high.append(high)
        self.whole.append(whole)
        return len(self.low) - 1

    def row(self, terms, low, high):
        self.rows.append((terms, low, high))

    def bounds(self, cell, masked):
        t, i, has, amount, rests, shown, *_ = cell
        code, kind = CODES[i], INDICATORS[i][1]
        if (t, code) not in masked:
            return amount, amount
        if any((t, w) in masked for w in WHOLES.get(code, [])) or self.knows == "nothing":
            return 0, numpy.inf
        small = 1 <= rests < self.threshold
        if rests == 0:  # masked because a zero of a masked block would be told by it
            return 0, numpy.inf
        if kind in PEOPLE:
            if self.knows == "primary" and self.threshold > 5:
                return (1, self.threshold - 1) if small else (self.threshold, numpy.inf)
            return 1, numpy.inf
        if kind == "references":
            return 1, self.threshold - 1 if self.knows == "primary" and small and self.threshold > 5 else numpy.inf
        return 0, numpy.inf

    def add_release(self, release):
        masked = {(c[0], CODES[c[1]]) for c in release["cells"] if c[6]}
        at = {}
        for cell in release["cells"]:
            t, i = cell[:2]
            if INDICATORS[i][2] == 3 or INDICATORS[i][1] in LISTS:
                continue
            low, high = self.bounds(cell, masked)
            at[(t, CODES[i])] = self.variable(low, high, INDICATORS[i][3] not in (1, 4))
        self.at.append(at)
        territories = release["territories"]
        for t, (level, *_rest) in enumerate(territories):
            if level == 0:
                self.add_contract(at, t, release["truth"])
            else:
                for i, code in enumerate(CODES):
                    if (t, code) in at and i != DISTINCT and INDICATORS[i][1] not in NO_SUM:
                        parts = [d for d, x in enumerate(territories) if x[4] == t and d != t]
                        self.row([(at[(t, code)], 1)] + [(at[(d, code)], -1) for d in parts], 0, 0)
        self.add_distinct(at, territories, release["truth"])

    def add_contract(self, at, t, truth):
        """What the definitions say, of numbers that obey them: repeated ones may not."""
        atoms = {(sex, bpi, young): self.variable(0, numpy.inf) for sex in "HFN" for bpi in (0, 1) for young in (0, 1)}
        sums = []
        for code in BLOCK:
            i = INDICATORS[CODES.index(code)]
            sums.append([key for key in atoms if i[4] in ("-", key[0]) and key[1] >= i[5] and key[2] >= i[6]])
        keys = list(atoms)
        obeys = not self.repeats or scipy.optimize.linprog(
            numpy.zeros(len(keys)), A_eq=[[key in parts for key in keys] for parts in sums], b_eq=[truth[(t, code)] for code in BLOCK]).success
        for code, parts in zip(BLOCK, sums):
            if obeys:
                self.row([(at[(t, code)], 1)] + [(atoms[key], -1) for key in parts], 0, 0)
        for part, whole in AMONG:
            if truth[(t, part)] <= truth[(t, whole)]:
                self.row([(at[(t, whole)], 1), (at[(t, part)], -1)], 0, numpy.inf)

    def add_distinct(self, at, territories, truth):
        """Departments hold whole scopes: a department and the region are sums over scopes."""
        region, agree = [], True
        for t, (level, department, *_rest) in enumerate(territories):
            if level != 1:
                continue
            scopes = {}
            for c, x in enumerate(territories):
                if x[0] == 0 and x[4] == t:
                    scopes.setdefault(x[3], []).append(c)
            people = [[truth[(c, "1.1.total")] for c in contracts] for contracts in scopes.values()]
            if not sum(max(p) for p in people) <= truth[(t, "1.1.distinct")] <= sum(sum(p) for p in people):
                agree = False  # numbers that are repeated
                continue
            total = []
            for contracts in scopes.values():
                contracts = [at[(c, "1.1.total")] for c in contracts]
                here = self.variable(0, numpy.inf)
                total.append(here)
                for c in contracts:
                    self.row([(here, 1), (c, -1)], 0, numpy.inf)
                self.row([(c, 1) for c in contracts] + [(here, -1)], 0, numpy.inf)
            self.row([(at[(t, "1.1.distinct")], 1)] + [(s, -1) for s in total], 0, 0)
            region += total
        last = len(territories) - 1
        if not agree or truth[(last, "1.1.distinct")] != sum(truth[(t, "1.1.distinct")] for t, x in enumerate(territories) if x[0] == 1):
            return
        self.row([(at[(last, "1.1.distinct")], 1)] + [(s, -1) for s in region], 0, 0)

    def add_history(self):
        for i, a in enumerate(self.releases):
            for j, b in enumerate(self.releases):
                if i == j:
                    continue
                whole_later = a["from"] is None and b["from"] is None and i < j
                within = a["from"] is not None and i < j and (
                    b["from"] is None or (a["from"], a["to"]) != (b["from"], b["to"])
                    and b["from"] <= a["from"] and a["to"] <= b["to"])
                if not (whole_later or within):
                    continue
                there = {x[:3]: t for t, x in enumerate(b["territories"])}
                for (t, code), small in self.at[i].items():
                    up = there.get(a["territories"][t][:3])
                    kind = INDICATORS[CODES.index(code)][1]
                    if up is None or kind == "duree_moyenne" or a["truth"][(t, code)] > b["truth"][(up, code)]:
                        continue
                    self.row([(self.at[j][(up, code)], 1), (small, -1)], 0, numpy.inf)
        for j, year in enumerate(self.releases):
            if year["from"] is None or year["to"] - year["from"] != 3:
                continue
            quarters = [next((i for i in reversed(range(len(self.releases))) if self.releases[i]["from"] == q
                              and self.releases[i]["to"] == q), None) for q in range(year["from"], year["to"] + 1)]
            if None in quarters:
                continue
            for (t, code), large in self.at[j].items():
                kind = INDICATORS[CODES.index(code)][1]
                if kind != "duree_moyenne":
                    gap = sum(self.releases[q]["truth"][(t, code)] for q in quarters) - year["truth"][(t, code)]
                    if gap >= 0:
                        self.row([(self.at[q][(t, code)], 1) for q in quarters] + [(large, -1)],
                                 0, 0 if kind == "somme" and gap == 0 else numpy.inf)

    def solve_setup(self):
        """Known variables go; what is left falls into parts that have nothing to do with each other."""
        self.low, self.high = numpy.array(self.low, float), numpy.array(self.high, float)
        known = self.low == self.high
        parent = list(range(len(self.low)))

        def find(x):
            while parent[x] != x:
                parent[x] = parent[parent[x]]
                x = parent[x]
            return x
        rows = []
        for terms, low, high in self.rows:
            fixed = sum(w * self.low[v] for v, w in terms if known[v])
            free = [(v, w) for v, w in terms if not known[v]]
            if not free:
                assert low - 1e-6 <= fixed <= high + 1e-6, "the published numbers contradict each other"
                continue
            rows.append((free, low - fixed, high - fixed))
            for v, _w in free[1:]:
                parent[find(v)] = find(free[0][0])
        self.parts = {}
        for v in range(len(self.low)):
            if not known[v]:
                self.parts.setdefault(find(v), ([], []))[0].append(v)
        for row in rows:
            self.parts[find(row[0][0][0])][1].append(row)
        self.find = find
        self.worlds = {}

    def problem(self, part):
        variables, rows = self.parts[part]
        place = {v: i for i, v in enumerate(variables)}
        data, at_row, at_column, low, high = [], [], [], [], []
        for r, (terms, lo, hi) in enumerate(rows):
            for v, w in terms:
                data.append(w)
                at_row.append(r)
                at_column.append(place[v])
            low.append(lo)
            high.append(hi)
        matrix = scipy.sparse.csr_matrix((data, (at_row, at_column)), shape=(len(rows), len(variables)))
        constraints = [scipy.optimize.LinearConstraint(matrix, low, high)] if rows else []
        return place, constraints, numpy.array([int(self.whole[v]) for v in variables])

    def values(self, wanted, count):
        """{variable: how many values it may have, up to count} for the wanted unknown variables."""
        out = {}
        by_part = {}
        for v in wanted:
            if self.low[v] == self.high[v]:
                out[v] = 1
            else:
                by_part.setdefault(self.find(v), []).append(v)
        for part, inside in by_part.items():
            place, constraints, whole = self.problem(part)
            variables = self.parts[part][0]
            lower = numpy.array([self.low[v] for v in variables])
            upper = numpy.array([min(self.high[v], 1e6) for v in variables])
            seen = {v: set() for v in inside}

            def world(v, sign, fixed=None):
                cost = numpy.zeros(len(variables))
                lo, hi = lower.copy(), upper.copy()
                if fixed is None:
                    cost[place[v]] = sign
                else:
                    lo[place[v]] = hi[place[v]] = fixed
                # HiGHS in Debian 12 sometimes calls impossible what is not, when it simplifies first.
                for presolve in (True, False):
                    found = scipy.optimize.milp(cost, constraints=constraints, integrality=whole,
                                                bounds=scipy.optimize.Bounds(lo, hi), options={"presolve": presolve})
                    if found.x is not None:
                        break
                else:
                    return None
                for u in inside:
                    seen[u].add(round(found.x[place[u]], 0 if self.whole[u] else 3))
                return found.x[place[v]]
            for v in inside:
                if len(seen[v]) >= count and self.whole[v]:
                    out[v] = count
                    continue
                least, most = world(v, 1), world(v, -1)
                if least is None or most is None:
                    out[v] = 0
                    continue
                if not self.whole[v]:
                    out[v] = most - least
                    continue
                # HiGHS in Debian 12 sometimes takes less than the most for the most: whole tables a little beyond count too.
                value = max(round(least) - count, int(self.low[v]))
                while len(seen[v]) < count and value <= min(round(most) + count, self.high[v]):
                    if value not in seen[v]:
                        world(v, 0, value)
                    value += 1
                out[v] = len(seen[v])
        return out


def attack(releases, threshold, values, knows):
    """What is known too well: a list of (release, territory, code, how many values)."""
    for release in releases:
        release.setdefault("truth", {(c[0], CODES[c[1]]): c[3] for c in release["cells"]})
    one = Attack(releases, threshold, knows)
    wanted, names, widths = [], {}, {}
    for r, release in enumerate(releases):
        for t, i, has, amount, rests, shown, masked, *_ in release["cells"]:
            if masked and (t, CODES[i]) in one.at[r]:
                v = one.at[r][(t, CODES[i])]
                wanted.append(v)
                names[v] = (r, t, CODES[i])
                widths[v] = {1: 240, 4: 4 * 3.04375 * max(rests, 1)}.get(INDICATORS[i][3])
    found = one.values(wanted, values)
    return [names[v] + (n,) for v, n in found.items() if n < (values if widths[v] is None else widths[v] - 1e-3)]


def attack_lists(release, count):
    """
    The same for the lists that rest on few, in one release: whoever knows that masked lists are not empty, and the published
    unions above. Of a list that is masked to protect another, nothing is promised.
    """
    territories = release["territories"]
    known = []
    for i, kind in enumerate(k[1] for k in INDICATORS):
        if kind not in LISTS:
            continue
        at = {c[0]: c for c in release["cells"] if c[1] == i}
        every = [frozenset(d for k, d in enumerate(INDICATORS[i][8]) if bits >> k & 1) for bits in range(2 ** len(INDICATORS[i][8]))]
        said = {t: None if c[6] else frozenset(c[5].split(";")) - {"-"} for t, c in at.items()}

        def possible(t, told):
            """The lists that a territory may have; told: {territory: its only list}."""
            if territories[t][0] == 0:
                mine = {said[t]} if said[t] is not None else set(every) - {frozenset()}
            else:
                mine = {frozenset()}
                for part, x in enumerate(territories):
                    if x[4] == t and part != t and part in at:
                        mine = {a | b for a in mine for b in possible(part, told)}
                if said[t] is not None:
                    mine &= {said[t]}
            return mine & {told[t]} if t in told else mine

        for t, value in said.items():
            if value is None and at[t][7]:
                values = sum(1 for one in every if possible(len(territories) - 1, {t: one}))
                if values < count:
                    known.append((t, CODES[i], values))
    return known

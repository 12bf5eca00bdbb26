"""Pages and workbooks that people open: `report` and `region` with --format html and xlsx, read back, and seen by a real browser."""

import os
import pty
import re
import subprocess
import unittest
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile

import openpyxl

import harness
from browser import Browser
from contracts import THIERS_2023
from generate import DataSet

WORLD = None
BROWSER = None
TITLE = "CTAI <b>de</b> Thiers & l'autre"
LABEL = "=1+1 <i>Sollicitations</i>"
NARRATIVE = "=SOMME(A1;A2) <script>alert(1)</script> & un « guide » : voilà !\n\n+33 appels _x0041_ à l'office."

# The contrast of each text with what is behind it, as WCAG 2.1 reckons it: the worst, and where.
CONTRAST = """(() => {
  const number = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = c => { const [r, g, b] = number(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                       return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (number(c)[3] > 0) return c; }
                        return 'rgb(255,255,255)'; };
  let worst = [21, ''];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (!texts.currentNode.data.trim()) continue;
    const e = texts.currentNode.parentElement, a = light(getComputedStyle(e).color), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < worst[0]) worst = [ratio, e.className + ': ' + texts.currentNode.data];
  }
  return worst; })()"""
OVERFLOW = """[document.documentElement.scrollWidth - innerWidth, [...document.querySelectorAll('body *')].filter(e =>
  !e.closest('.skip, .vh, svg') && e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1).length]"""


def setUpModule():
    global WORLD, BROWSER
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    with open(harness.CONTRACT_FILE, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("titre: CTAI de Thiers Dore et Montagne", f'titre: "{TITLE}"', 1)
    text = text.replace("libelle: Sollicitations des acteurs et dispositifs locaux", f'libelle: "{LABEL}"', 1)
    WORLD.start(WORLD.write("contrat.yaml", text), operators=["cias", "fit"])
    files = DataSet(51, 40, THIERS_2023, False).write(WORLD.path("data"))
    for name in ("cias", "fit"):
        WORLD.push(name, files[name]).must(harness.EX_OK, harness.EX_DATAERR)
    WORLD.agent("fit", "narrative", "--contract", harness.CONTRACT, "--action", "axe2", "--indicator", "1.2.outils",
                WORLD.write("texte.txt", NARRATIVE)).must()
    BROWSER = Browser()
    unittest.addModuleCleanup(BROWSER.close)


def made(form, *command):
    """What a command writes in a form, kept in a file of the world."""
    done = WORLD.hub(*(command or ("report", harness.CONTRACT)), "--format", form).must()
    return done.out, WORLD.write(f"fait.{form}", done.out)


def words(element):
    """All text of an element, spaces as one."""
    return re.sub(r"[ \u00a0\u202f\n]+", " ", "".join(element.itertext())).strip()


def plain(text):
    """A number as people read it, as the CSV writes it; units are dropped."""
    match = re.match(r"[\d ]*\d(?:,\d+)?", text)
    number = match.group().replace(" ", "").replace(",", ".") if match else text
    return number.rstrip("0").rstrip(".") if "." in number else number


def words_of(text):
    """As `words`, of a text of the CSV: without what keeps it from being a formula, its apostrophes as typography has them."""
    text = text[1:] if text.startswith("'=") else text
    return re.sub(r"[ \u00a0\u202f\n]+", " ", text.replace("'", "’")).strip()


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bytes, cls.path = made("html")
        cls.root = ElementTree.fromstring(cls.bytes)
        cls.rows = WORLD.report()

    def test_structure(self):
        """One language, one h1, headings in order, tables with captions and scopes; no script, nothing from elsewhere."""
        self.assertEqual(self.root.get("lang"), "fr")
        levels = [int(e.tag[1]) for e in self.root.iter() if re.fullmatch("h[1-6]", e.tag)]
        self.assertEqual(levels.count(1), 1)
        self.assertTrue(all(after - before <= 1 for before, after in zip([0] + levels, levels)), levels)
        self.assertEqual(words(next(self.root.iter("h1"))), words_of(TITLE))
        for table in self.root.iter("table"):
            self.assertTrue(words(table.find("caption")))
            self.assertTrue(all(th.get("scope") for th in table.iter("th")))
        self.assertFalse([e.tag for e in self.root.iter() if e.tag in ("script", "link", "img", "iframe", "object", "b", "i")])
        self.assertFalse([v for e in self.root.iter() for k, v in e.items() if k.startswith("on") or "javascript:" in v])
        style = next(self.root.iter("style")).text
        self.assertNotRegex(style, r"url\(|@import")
        names = [e.get("id") for e in self.root.iter() if e.get("id")]
        self.assertEqual(len(names), len(set(names)))
        for link in self.root.iter("a"):
            if link.get("href").startswith("#"):
                self.assertIn(link.get("href")[1:], names)

    def test_cells(self):
        """Every cell that is shown is the CSV's, in its order; what is not shown is named below its table."""
        actions = list(dict.fromkeys(r["action"] for r in self.rows))
        sections = [s for s in self.root.iter("section") if s.get("class") == "fiche"]
        self.assertEqual(len(sections), len(actions))
        for action, section in zip(actions, sections):
            want = [r for r in self.rows if r["action"] == action]
            said = words(section)
            rows = [tr for tr in section.iter("tr") if tr.find("th") is not None and tr.find("th").get("scope") == "row"]
            shown = {words(tr.find("th")) for tr in rows}
            left = iter(rows)
            for row in want:
                label = words_of(row["libelle"])
                if label not in shown:
                    self.assertEqual((row["statut"], row["objectif"]), ("non_collecte", ""), row)
                    self.assertIn(label, said)
                    continue
                tr = next(left)
                self.assertEqual(words(tr.find("th")), label)
                cells = [words(td) for td in tr.findall("td")]
                if row["statut"] == "compte" and row["indicateur"] not in ("1.2.outils", "3.3.outils", "3.3.thematiques"):
                    self.assertEqual((plain(cells[0]), plain(cells[1]) if row["realise"] else ""), (row["objectif"], plain(row["realise"].replace(".", ","))), row)
                elif row["statut"] != "compte":
                    self.assertEqual(cells[1], {"non_collecte": "non collecté", "non_fait": "non fait"}[row["statut"]])
            self.assertIsNone(next(left, None))

    def test_narrative_and_notes(self):
        """A text in its cell's place, as it was written; what is open beside its action."""
        cell = next(td for td in self.root.iter("td") if "SOMME" in words(td))
        self.assertIn("=SOMME(A1;A2) <script>alert(1)</script> & un « guide » : voilà !", words(cell))
        self.assertEqual(len(cell.findall("div/p")), 3 if words(cell.find("div/p")) == "fit :" else 2)
        self.assertIn("refugies.info", words(self.root))

    def test_same_bytes(self):
        """The same state is the same page and the same workbook; so is the past one, whatever has come since."""
        position = str(WORLD.hub("report", harness.CONTRACT, "--format", "json").must().json()["position"])
        before = {form: made(form)[0] for form in ("html", "xlsx")}
        self.assertEqual(before["html"], self.bytes)
        WORLD.agent("cias", "narrative", "--contract", harness.CONTRACT, "--action", "axe1", "--indicator", "1.2.outils",
                    WORLD.write("autre.txt", "Un livret.")).must()
        for form, data in before.items():
            self.assertEqual(made(form, "report", harness.CONTRACT, "--as-of", position)[0], data, form)
        self.assertNotEqual(made("html")[0], self.bytes)
        WORLD.agent("cias", "narrative", "--contract", harness.CONTRACT, "--action", "axe1", "--indicator", "1.2.outils", "--withdraw").must()

    def test_in_a_browser(self):
        """Nothing is wider than the window from 320 px on nor at 200 %, every text stands out, nothing is asked of a network."""
        for width, zoom in ((1280, 1), (1280, 2), (390, 1), (320, 1)):
            BROWSER.open(self.path, width, zoom=zoom)
            self.assertEqual(BROWSER.evaluate(OVERFLOW), [0, 0], f"{width} px, zoom {zoom}")
            self.assertEqual(len(BROWSER.requests), 1, BROWSER.requests)
            ratio, where = BROWSER.evaluate(CONTRAST)
            self.assertGreaterEqual(ratio, 4.5, where)
        self.assertEqual(BROWSER.evaluate("document.querySelectorAll('script, img').length"), 0)

    def test_in_print(self):
        """A sheet for the essentials, then each fiche-action on its own; heads are repeated; no navigation."""
        BROWSER.open(self.path, 1280)
        BROWSER.call("Emulation.setEmulatedMedia", media="print")
        self.assertEqual(BROWSER.evaluate("getComputedStyle(document.querySelector('nav')).display"), "none")
        self.assertEqual(BROWSER.evaluate("[...document.querySelectorAll('.fiche')].map(e => getComputedStyle(e).breakBefore)"), ["page"] * 4)
        self.assertEqual(BROWSER.evaluate("getComputedStyle(document.querySelector('thead')).display"), "table-header-group")
        BROWSER.call("Emulation.setEmulatedMedia", media="")
        data = BROWSER.pdf()
        self.assertTrue(data.startswith(b"%PDF"))
        self.assertGreaterEqual(len(re.findall(rb"/Type */Page\b", data)), 5)
        box = re.search(rb"/MediaBox *\[([\d. ]+)\]", data).group(1).split()
        self.assertEqual([round(float(v) / 72 * 25.4) for v in box[2:]], [210, 297])


class Workbook(unittest.TestCase):
    def load(self, path):
        """The workbook as an office's program reads it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl does not know data bars
            return openpyxl.load_workbook(path)

    def test_cells(self):
        """Each number is the CSV's, as a number of its unit's format; sub-cells are set in; nothing is a formula."""
        data, path = made("xlsx")
        self.assertEqual(data, made("xlsx")[0])
        book, rows = self.load(path), WORLD.report()
        actions = list(dict.fromkeys(r["action"] for r in rows))
        self.assertEqual(book.sheetnames, [*actions[:-1], "Ensemble", "À régler", "Lisez-moi"])
        formats = {"personnes": "#,##0", "heures": '#,##0.00" h"', "euros": '#,##0.00" €"', "mois": '#,##0.0" mois"'}
        for action, name in zip(actions, book.sheetnames):
            sheet = book[name]
            lines = {row[0].value: row for row in sheet.iter_rows(min_row=5) if row[0].value and "." in row[0].value and row[2].value != ""}
            for row in (r for r in rows if r["action"] == action):
                line = lines[row["indicateur"]]
                self.assertEqual(words_of(line[1].value), words_of(row["libelle"]))
                if row["unite"]:
                    self.assertEqual(str(line[2].value or ""), row["objectif"])
                if row["statut"] != "compte":
                    self.assertEqual(line[3].value, row["statut"].replace("_", " ").replace("collecte", "collecté"))
                elif re.fullmatch(r"\d+(\.\d+)?", row["realise"]):
                    self.assertEqual((line[3].data_type, line[3].value), ("n", float(row["realise"])))
                    self.assertEqual(line[3].number_format, formats.get(row["unite"], "#,##0"))
                self.assertEqual(line[1].alignment.indent > 0, row["libelle"].startswith("dont "), row["libelle"])
            self.assertEqual((sheet.page_setup.orientation, int(sheet.page_setup.paperSize)), ("landscape", 9))
            self.assertRegex(sheet.freeze_panes, r"^C\d$")
            self.assertTrue(sheet.print_title_rows)

    def test_texts(self):
        """What an operator or a contract writes is text and no formula, whatever it begins with."""
        path = made("xlsx")[1]
        book = self.load(path)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        self.assertFalse([c for c in cells if c.data_type == "f"])
        texts = [c.value for c in cells if isinstance(c.value, str)]
        self.assertIn(LABEL, texts)
        told = next(t for t in texts if "SOMME" in t)
        self.assertIn("=SOMME(A1;A2) <script>alert(1)</script> & un « guide » : voilà !", told)
        self.assertIn("_x0041_ à l'office.", " ".join(texts))
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                content = packed.read(name)
                self.assertNotRegex(content, rb"<f>|<f |externalLink")
                ElementTree.fromstring(content)

    def test_where_it_goes(self):
        """Not onto a terminal; whole or not at all; nothing is left in the hub's home."""
        before = sorted(os.listdir(WORLD.hub_home))
        target = WORLD.path("evaluation.xlsx")
        self.assertEqual(WORLD.hub("report", harness.CONTRACT, "--format", "xlsx", "-o", target).must().out, b"")
        with open(target, "rb") as file:
            self.assertEqual(file.read(), made("xlsx")[0])
        WORLD.hub("report", harness.CONTRACT, "--format", "xlsx", "-o", WORLD.path("nulle", "part.xlsx")).must(harness.EX_CANTCREAT)
        if os.path.exists("/dev/full"):
            with open("/dev/full", "wb") as full:
                code = subprocess.run([os.path.join(harness.BIN, "ctai-hub"), "report", harness.CONTRACT, "--format", "xlsx"], stdout=full,
                                      stderr=subprocess.DEVNULL, env={**os.environ, "CTAI_HOME": WORLD.hub_home}, check=False).returncode
            self.assertEqual(code, harness.EX_CANTCREAT)
        self.assertEqual(sorted(os.listdir(WORLD.hub_home)), before)
        said, code = on_a_terminal("report", harness.CONTRACT, "--format", "xlsx")
        self.assertEqual(code, harness.EX_USAGE, said)
        self.assertIn("-o evaluation.xlsx", said)


def on_a_terminal(*arguments):
    """Runs the hub on a terminal; what it said, and its exit code."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(os.path.join(harness.BIN, "ctai-hub"), ["ctai-hub", *arguments], {**os.environ, "CTAI_HOME": WORLD.hub_home})
    said = b""
    try:
        while block := os.read(terminal, 4096):
            said += block
    except OSError:
        pass  # the terminal is gone with its last user
    os.close(terminal)
    return said.decode("utf-8", "replace"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Region(unittest.TestCase):
    DRAFT = ("region", "84", "--draft")

    def test_page(self):
        """Published values are the CSV's; of what is masked there is no number; it fits a narrow window."""
        rows = WORLD.hub(*self.DRAFT, "--format", "csv").must().csv()
        data, path = made("html", *self.DRAFT)
        root = ElementTree.fromstring(data)
        whole = next(s for s in root.iter("section") if s.get("id") == "region")
        cells = {}
        for tr in whole.iter("tr"):
            if tr.find("td") is not None:
                cells[words(tr.find("th"))] = words(tr.find("td"))
        masked = 0
        for row in (r for r in rows if not r["departement"]):
            got = cells[words_of(row["libelle"])]
            if row["statut"] == "masque":
                self.assertEqual(got, "masqué")
                masked += 1
            elif re.fullmatch(r"\d+(\.\d+)?", row["realise"]):
                self.assertEqual(plain(got), plain(row["realise"].replace(".", ",")), row)
        self.assertGreater(masked + len(cells), 30)
        self.assertIn("Ce n’est pas un zéro", words(root))
        self.assertIn("Brouillon", words(root))
        for width in (1280, 390, 320):
            BROWSER.open(path, width)
            self.assertEqual(BROWSER.evaluate(OVERFLOW), [0, 0], f"{width} px")
        ratio, where = BROWSER.evaluate(CONTRAST)
        self.assertGreaterEqual(ratio, 4.5, where)

    def test_workbook(self):
        """Sheets of the region and its departments, with the CSV's values."""
        rows = WORLD.hub(*self.DRAFT, "--format", "csv").must().csv()
        path = made("xlsx", *self.DRAFT)[1]
        book = openpyxl.load_workbook(path)
        self.assertEqual(book.sheetnames, ["Région", "63", "Lisez-moi"])
        for column, place in ((3, ("", "")), (4, ("63", ""))):
            want = {r["indicateur"]: r for r in rows if (r["departement"], r["contrat"]) == place}
            for line in book["Région"].iter_rows(min_row=4):
                row = want.get(line[0].value)
                if row and row["statut"] == "masque":
                    self.assertEqual(line[column].value, "masqué")
                elif row and re.fullmatch(r"\d+(\.\d+)?", row["realise"]):
                    self.assertEqual(line[column].value, float(row["realise"]))


if __name__ == "__main__":
    unittest.main()

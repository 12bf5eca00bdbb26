#!/usr/bin/python3
"""Writes a large office's two tables: office.py EVENTS FOLDER. Invented people, the same for the same number."""
import os
import random
import sys

PERSONS = 2000
TYPES = ["entree", "presence", "consultation_medicale", "outil_numerique", "sollicitation", "niveau_debut", "niveau_fin",
         "autonomie", "evenement_sportif", "binome_mentorat", "seance"]
DETAILS = {"niveau_debut": "A1", "niveau_fin": "B1", "autonomie": "parentalite", "seance": "francais"}
QUANTITIES = {"entree": "40", "presence": "1h30", "seance": "2,5"}
NAMED = {"presence", "evenement_sportif", "binome_mentorat", "seance"}


def persons(draw):
    yield "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage"
    for i in range(PERSONS):
        number = f"{9000000000 + i}" if i % 3 else ""
        yield (f"P{i};{number};Étienne-{i};{draw.choice(['Amina', 'Olena', 'Élodie', 'Tariq'])};"
               f"{1960 + i % 45}-{1 + i % 12:02d}-{1 + i % 28:02d};{'FH'[i % 2]};{draw.choice(['SY', 'AF', 'UA', 'GN'])};"
               f"{draw.choice(['refugie', 'salarie'])};2022-0{1 + i % 9}-15;M{i // 3}")


def events(draw, count):
    yield "id_evenement;date;action;type;id_local;quantite;detail;reference"
    for i in range(count):
        kind = TYPES[i % len(TYPES)]
        reference = f"S{draw.randrange(500)}" if kind in NAMED else ""
        yield (f"E{i};2024-{1 + draw.randrange(11):02d}-{1 + draw.randrange(28):02d};axe{1 + i % 3};{kind};"
               f"P{draw.randrange(PERSONS)};{QUANTITIES.get(kind, '')};{DETAILS.get(kind, '')};{reference}")


def write(count, folder):
    """The two files of an office with that many events."""
    draw = random.Random(count)
    os.makedirs(folder, exist_ok=True)
    for name, lines in (("personnes.csv", persons(draw)), ("evenements.csv", events(draw, count))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)


def main():
    write(int(sys.argv[1]), sys.argv[2])


if __name__ == "__main__":
    main()

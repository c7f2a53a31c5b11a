#!/usr/bin/env python3
"""Writes data/cases/survey.csv: 300 made-up answers with words, ranks, amounts of money, and missing entries.

    scripts/make_survey.py > data/cases/survey.csv

Everything is drawn from the law below with a fixed seed: no person was asked.
"""

import csv
import random
import sys

ROWS = 300
AGES = ["18-29", "30-44", "45-59", "60-74", "75+"]
REGIONS = ["north", "south", "east", "west"]


def answer(draw):
    age = draw.choices(range(5), [4, 5, 5, 4, 2])[0]
    region = draw.choices(REGIONS, [4, 3, 2, 1])[0]
    works = draw.random() < (0.75 if age < 3 else 0.15)
    income = round(draw.lognormvariate(7.6 if works else 7.0, 0.4), 2)
    car = draw.random() < (0.8 if region in ("east", "west") else 0.4)
    content = min(5, max(1, round(draw.gauss(3 + 0.4 * works + 0.2 * (age - 2), 1))))
    row = [AGES[age], region, "yes" if works else "no", f"{income:.2f}", "yes" if car else "no", str(content)]
    return [entry if draw.random() > 0.02 else "" for entry in row]


def main():
    draw = random.Random(1)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["age", "region", "works", "income", "car", "content"])
    table.writerows(answer(draw) for _ in range(ROWS))


if __name__ == "__main__":
    main()

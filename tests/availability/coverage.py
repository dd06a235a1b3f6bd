#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Prints for every published case that the availability part is tested against where its number stands in
the tests. A case without a test is an error.

The names are groups of cases: T-A trials, T-B failures, T-C repair, T-D k-of-n and queues, T-E block diagrams,
T-F fault trees, T-G importances, T-H common causes, T-I and T-J Markov chains in the long run and in time, T-K spares and
dynamic gates, T-L durability, T-M checkpoint intervals, T-N objectives, T-O trends.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import coverage  # noqa: E402

# Case, what it is, numbers of it that must stand in a test as they are written here. Several alternatives: a tuple.
CASES = [
    ("T-A1", "Clopper-Pearson 7 of 50", ["0.267396002497008"]),
    ("T-A2", "4 of 20 at six levels; Jeffreys", ["0.12840", "0.70216", "0.07152"]),
    ("T-A3", "400 of 2000", ["0.18267", "0.18291"]),
    ("T-A4", "8 of 10; one-sided", ["0.35180", "0.94547138"]),
    ("T-A5", "29 of 30", ["0.827830544366587"]),
    ("T-A6", "Wilson", ["0.0695083342702"]),
    ("T-A7", "Jeffreys", ["0.0648717011505"]),
    ("T-A8", "zero failures", ["0.258865550893"]),
    ("T-A9", "trials without a failure", ["692", ("693146", "693'146")]),
    ("T-A10", "binomial 6, 0.3", ["0.117649", "0.744310"]),
    ("T-A11", "trials until more than 5 failures", ["57", "217"]),
    ("T-B1..B4", "MTBF factors of the NIST handbook", ["0.333967", "0.467396", "0.632432", "0.732562"]),
    ("T-B5", "no failure", ["333.8082007"]),
    ("T-B6", "acceptance test", ["231615.79"]),
    ("T-C1", "A(t) of one unit", ["0.996677740863788"]),
    ("T-C2", "its mean", ["0.997727076214655"]),
    ("T-C3", "GLM", ["GLM"]),
    ("T-C4", "periodic tests", ["0.817508", "0.997828"]),
    ("T-C5", "chance of meeting an objective", ["0.6545627162141", "0.54191668683488"]),
    ("T-C6", "interval of an unavailability", ["2.56403682e-5", "0.001871687593"]),
    ("T-D1", "majorities", ["3.491606998e-11"]),
    ("T-D2", "shared repair", ["1.960399921584003e-4", "5.81829263371797e-5"]),
    ("T-D3", "redundant server", ["0.9849120089"]),
    ("T-D4", "PRISM's queue", ["0.6404780884740766", "7.069019518168792", "0.5929374064162124"]),
    ("T-E1", "ReliaWiki's series", ["0.955549245"]),
    ("T-E2", "one component", ["0.904837418035960"]),
    ("T-E3", "two in series", ["1000000. / 1001"]),
    ("T-E4", "seven components", ["331000", "0.998990476784623"]),
    ("T-E5", "hard dependencies", ["0.999700029999"]),
    ("T-E6", "150 days and an hour", ["3601"]),
    ("T-F1..F6", "three events", ["0.496", "0.074", "0.29", "0.098", "0.404", "0.986", "0.49"]),
    ("T-F7", "always and never", ["not (A and not A)"]),
    ("T-F8", "two trains", ["0.646", "0.766144"]),
    ("T-F9", "TwoTrain", ["0.7225"]),
    ("T-F10", "Theatre", ["0.00207"]),
    ("T-F11", "ne574", ["0.662208"]),
    ("T-F12", "Lift", ["1.199993400022e-5"]),
    ("T-F13", "Chinese", ["0.00456932178049746"]),
    ("T-F14", "Baobab1", ["1.28230455790885e-6"]),
    ("T-F15", "Baobab2", ["0.0208686447260437"]),
    ("T-F16", "CEA9601", ["2.38155206869118e-6", "9323572", "3.316e-8"]),
    ("T-F17", "200 events", ["0.559853522323198", "17063", "15347"]),
    ("T-F18", "HIPPS", ["0.0016209"]),
    ("T-F19", "BSCU", ["0.1124087"]),
    ("T-F20", "SmallTree", ["0.02678"]),
    ("T-F21", "ThreeMotor", ["0.0211538"]),
    ("T-F22", "telecom", ["0.258132355337818", "78899"]),
    ("T-F23", "event trees", ["0.594", "0.772", "0.81044", "0.05025"]),
    ("T-F24", "one exponential", ["2.399e-4", "4.7989e-4"]),
    ("T-F30..F72", "sixteen Aralia trees", ["0.000101708077838372", "0.755090615056509", "20807446"]),
    ("T-G1", "importances of two trains", ["0.4737", "1.214"]),
    ("T-G2", "importances of Chinese", ["0.0745557", "1.03896"]),
    ("T-G3", "rare-event importances", ["0.5833", "8.917"]),
    ("T-G4", "with negation", [".04459", "21.237"]),
    ("T-G5", "Storm's importances", ["2.164042561", ".2655055433", ".0596235"]),
    ("T-H1..H4", "common causes", ["0.0430803730612", "0.0162947705258", "0.0410393176167", "0.0529814106952"]),
    ("T-I1", "RMarkov", ["-.114583333333"]),
    ("T-I2", "BuTools", ["9. / 22"]),
    ("T-I3", "QuantEcon; reducible chains", ["4. / 7", "the chain is reducible"]),
    ("T-I4", "a stiff chain", ["7.499999999999925e-29"]),
    ("T-I5", "workstation cluster", ["3.70112986471454e-6", "0.9999212408513795"]),
    ("T-I7", "queues, embedded controller, kanban", ["0.9100373532", "0.20079750055570736", "6201111489217",
                                                     "0.0925846346333826"]),
    ("T-J1", "cluster, first passage", ["2.5758343311298e-9", "1.82210514902010e-3"]),
    ("T-J2", "cluster, rewards", ["99.8773317138932", "0.153957098124482"]),
    ("T-J3", "cluster of two", ["5.54612547044192e-5", "0.001105335651670241"]),
    ("T-J4", "embedded controller", [".0019216435246119591", "2.7745274082080154"]),
    ("T-J5", "RMarkov at t = 1", [".0601138876002"]),
    ("T-J6", "rewards", ["11.89005", "424. / 35"]),
    ("T-J7", "a million jumps", ["a million jumps"]),
    ("T-K", "spares and dynamic gates", ["46. / 13", "43. / 23", "14. / 11", "551. / 150", "8. / 3", "38. / 15",
                                         "2804183. / 2042040", "0.00021997582", "0.357768249954433",
                                         "18836. / 3887", "7. / 5", "249. / 52", "78311. / 182700", "67. / 24",
                                         "30000.", "0.5842978146", "417.9436693", "0.0410018417"]),
    ("T-L1", "Backblaze, 4 of 6", ["1.500e-7|1.50029442219e-7|1.500e-07"]),
    ("T-L2", "one of many", [".18135117"]),
    ("T-L4", "RAID", ["494"]),
    ("T-L6", "coded disks", [".9994395321835199"]),
    ("T-L7", "copysets", ["9.41364743537e-7", "275000|275'000|275,000"]),
    ("T-M1..M3", "Daly's figures", ["116.6900733", "56.714002", "9.166502821"]),
    ("T-N1", "budgets of the SRE book", ["43.2", "25.9"]),
    ("T-N2", "burn rates of the SRE workbook", ["14.4"]),
    ("T-O1", "Laplace and power law", ["2.409", "1.588"]),
    ("T-O2", "Weibull", ["1.932677985"]),
]
# Read in a source, but not tested here, and why: (case, what it is, reason).
LEFT_OUT = []


def main():
    tests = pathlib.Path(__file__).resolve().parent
    lines = []
    for path in sorted(tests.rglob("*.cpp")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            lines.append((path.relative_to(tests), number, line))
    def find(_, numbers):
        places = set()
        for number in numbers:
            found = None
            for alternative in (number if isinstance(number, tuple) else number.split("|")):
                bare = re.sub(r"^0(?=\.)", "", alternative)
                pattern = re.compile(r"(?<![\d.])0?" + re.escape(bare)) if bare[0] in ".123456789" else re.compile(re.escape(bare))
                found = next(((p, n) for p, n, line in lines if pattern.search(line)), None)
                if found:
                    break
            places.add(f"{found[0]}:{found[1]}" if found else f"MISSING {number}")
        return sorted(places)

    return coverage.report(CASES, find, LEFT_OUT, (11, 36), "groups of cases")


if __name__ == "__main__":
    sys.exit(main())

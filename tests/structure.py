#!/usr/bin/python3
"""Holds the structure: the layers of src/, what src/README.md names, and what no file may contain."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"
faults = []


def uses():
    """USES_<folder> of the Makefile: what each folder may include."""
    found = {}
    for line in (ROOT / "Makefile").read_text().splitlines():
        match = re.match(r"USES_(\w+)\s*:=\s*(.*)", line)
        if match:
            found[match[1]] = set(match[2].split()) | {match[1]}
    return found


def check_layers():
    allowed = uses()
    for path in sorted(SRC.glob("*/*.[ch]")):
        folder = path.parent.name
        if folder not in allowed:
            faults.append(f"src/{folder}/ is in no USES_ line of the Makefile")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'#include "(\w+)/', line)
            if match and match[1] not in allowed[folder]:
                faults.append(f"{path.relative_to(ROOT)}:{number}: {folder}/ may not use {match[1]}/")


def check_readme():
    """Every path and every function() that src/README.md names exists."""
    readme = SRC / "README.md"
    if not readme.exists():
        faults.append("src/README.md is missing")
        return
    text = readme.read_text()
    if text.count("\n") > 120:
        faults.append(f"src/README.md has {text.count(chr(10))} lines, 120 at most")
    code = "\n".join(p.read_text() for p in SRC.glob("*/*.[ch]"))
    for name in sorted(set(re.findall(r"`(\w+)\(\)`", text))):
        if not re.search(rf"^\w[^\n;]*\b{name}\(", code, re.M):
            faults.append(f"src/README.md names {name}(), which is not there")
    for name in sorted(set(re.findall(r"`((?:\w+/)+[\w.]*)`", text))):
        if not (SRC / name).exists() and not (ROOT / name).exists():
            faults.append(f"src/README.md names {name}, which is not there")
    for folder in sorted(p.name for p in SRC.iterdir() if p.is_dir()):
        if f"`{folder}/`" not in text:
            faults.append(f"src/README.md has no line for {folder}/")


def check_sizes():
    for path in sorted(SRC.glob("*/*.c")):
        lines = path.read_text().count("\n")
        if lines > 520:
            faults.append(f"{path.relative_to(ROOT)} has {lines} lines: look for a seam")


def check_top():
    """The top level is what the design says."""
    wanted = {"src", "zones", "keys", "tests", "packaging", "Makefile", "README.md", "LICENSE", "build"}
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name not in wanted:
            faults.append(f"{path.name}: not at the top level")


PROVIDER_ROWS = {"WED": 17, "MON": 24, "ALI": 30, "DYN": 18, "SIM": 15, "PRV": 17, "API": 11}


def plain_manual(text):
    """A manual page as its words, without the macros between them."""
    text = re.sub(r"^\.(Dq|Qq|Ic|Li|Pa|Cm|Xr|Ss|Sh|Ar|Nm)\b", "", text, flags=re.M)
    return " ".join(text.replace("\\&", "").split())


def has_test(path, text, name):
    if path.suffix == ".py":
        return re.search(rf"^def {name}\(", text, re.M) is not None
    return re.search(rf"cmocka_unit_test\w*\((test_)?{name}\b", text) is not None


def check_providers():
    """tests/providers/rows.tsv has every row, each with a test that is there, or with words of the manual."""
    table = ROOT / "tests" / "providers" / "rows.tsv"
    wanted = [f"{name}-{number:02}" for name, count in PROVIDER_ROWS.items() for number in range(1, count + 1)]
    rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
    if [row[0] for row in rows] != wanted:
        faults.append(f"tests/providers/rows.tsv: not each row once and in order: {set(wanted) ^ {row[0] for row in rows}}")
    for row in rows:
        file, _, words = row[2].partition(":")
        path = ROOT / file
        text = path.read_text() if path.exists() else ""
        found = has_test(path, text, words) if path.suffix in (".py", ".c") else words in plain_manual(text)
        if not words or not found:
            faults.append(f"tests/providers/rows.tsv: {row[0]}: {row[2]} is not there")


check_layers()
check_readme()
check_sizes()
check_top()
check_providers()
for fault in faults:
    print(fault)
print(f"structure: {'ok' if not faults else str(len(faults)) + ' faults'}")
sys.exit(1 if faults else 0)

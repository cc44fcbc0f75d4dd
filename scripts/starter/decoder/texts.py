#!/usr/bin/env python3
"""Collects the English texts that starters/decoder is distilled on: the prose of Debian packages (SOURCES below).
Nothing is installed: packages are downloaded and unpacked aside. Needs Debian or Ubuntu (apt-get, dpkg) and Python 3.9;
no third-party module.

usage: texts.py WORK_FOLDER OUT_FILE [--megabytes 60] [--only PACKAGE,…] [--leave-out PACKAGE,…]
Writes OUT_FILE: documents of some 1,200 characters, a paragraph a line, with an empty line between documents, in a
fixed random order. No paragraph occurs twice. Packages that this release of Debian lacks are skipped, and named.
"""
import argparse, gzip, html, random, re, subprocess, sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from corpus import Paragraphs, r_strings, unpack

SOURCES = {
    "WordNet licence": "wordnet-base",
    "public domain": "r-cran-janeaustenr jargon-text dict-devil bible-kjv-text sqlite3-doc",
    "PSF-2.0": "python3.11-doc",
    "PostgreSQL": "postgresql-doc-15",
    "Apache-2.0": "apache2-doc openssl erlang-doc llvm-14-doc python-requests-doc python-xarray-doc",
    "MIT": "rust-doc nodejs-doc lua5.4 python-sqlalchemy-doc",
    "BSD": "golang-1.19-doc ghc-doc cmake-doc sphinx-doc swi-prolog-doc python-dask-doc python-django-doc "
    "python-flask-doc python-jinja2-doc python-pandas-doc python-scipy-doc python-sklearn-doc python-statsmodels-doc "
    "python-sympy-doc",
    "their own permissive licences": "racket-doc tcl8.6-doc libboost1.74-doc vim-doc",
    "MPL-2.0": "libreoffice-help-en-us bind9-doc",
    "Artistic or GPL": "perl-doc",
    "GPL": "git-doc debian-policy developers-reference",
}

# At most so many characters of one package, so that no manual outweighs the rest, and of so many of its files.
MOST_CHARACTERS = 9_000_000
MOST_FILES = 1500
# Standard libraries' references repeat themselves; search pages and sources are no prose.
NO_PROSE = re.compile(r"/(std|core|alloc|proc_macro|test|src|_sources|genindex|search|jquery)[/.]")
NOT_ENGLISH = re.compile(r"[/.](da|de|es|fr|it|ja|ko|pt|pt-br|ru|tr|zh|zh-cn)[/.]")


def wordnet_glosses(file: Path):
    """`word: gloss.` of each line; the lines of a file are in a fixed random order."""
    lines = [l for l in file.read_text("latin-1").splitlines() if "|" in l and not l.startswith("  ")]
    random.Random(1).shuffle(lines)
    for line in lines:
        yield f"{line.split()[4].replace('_', ' ')}: {line.split('|', 1)[1].strip()}."


def paragraphs(file: Path):
    """The paragraphs of a file, whatever its kind; nothing of a kind that holds no prose."""
    name = file.name
    if re.fullmatch(r"data\.(adj|adv|noun|verb)", name):
        yield from wordnet_glosses(file)
    elif name == "Rdata.rdb":
        yield from re.split(r"\n\s*\n", "\n".join(r_strings(file)))
    elif match := re.search(r"\.(x?html?|txt|rst|pod|md|dict)(?:\.en)?(\.gz|\.dz)?$", name):
        data = gzip.open(file).read() if match[2] else file.read_bytes()
        text = data.decode("utf-8", "ignore")
        if "htm" in match[1]:
            parser = Paragraphs()
            parser.feed(text)
            parser.flush()
            yield from map(html.unescape, parser.texts)
        else:
            yield from re.split(r"\n\s*\n", text)


def is_prose(text: str) -> bool:
    """Eight words or more, mostly letters: no tables, code, contents lists or notices."""
    letters = sum(c.isalpha() or c == " " for c in text)
    return len(text.split()) >= 8 and letters >= 0.8 * len(text) and not re.search(r"\.{4}|[|_]{3}|\{\{|©|Copyright", text)


def documents(found, size=1200):
    """Paragraphs that follow each other, put together until they have `size` characters; short remains are dropped."""
    lines, characters = [], 0
    for line in found:
        lines.append(line)
        characters += len(line)
        if characters > size:
            yield "\n".join(lines)
            lines, characters = [], 0
    if characters > 150:
        yield "\n".join(lines)


def read_package(root: Path, seen: set):
    """Documents of one package; `seen` holds what other packages' paragraphs began with, and grows."""
    usual = lambda f: 800 < f.stat().st_size < 400_000 and not NO_PROSE.search(str(f)) and not NOT_ENGLISH.search(str(f))
    whole = re.compile(r"data\.(adj|adv|noun|verb)|Rdata\.rdb|.*\.(dz|txt\.gz)")
    files = [f for f in sorted(root.rglob("*")) if f.is_file() and (whole.fullmatch(f.name) or usual(f))]
    random.Random(4).shuffle(files)
    found = []
    for file in files[:MOST_FILES]:
        prose = []
        for paragraph in paragraphs(file):
            text = re.sub(r"\s+", " ", paragraph).strip()
            key = re.sub(r"\W+", "", text.lower())[:200]
            if is_prose(text) and key not in seen:
                seen.add(key)
                prose.append(text[:2000])
        found += documents(prose)
    return found


def up_to(characters: int, docs):
    """Documents until they have so many characters."""
    total = 0
    for doc in docs:
        if total > characters:
            return
        total += len(doc)
        yield doc


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--only", default="", help="packages, parted by commas")
    parser.add_argument("--leave-out", default="", help="packages, parted by commas")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    left_out, only = options.leave_out.split(","), [p for p in options.only.split(",") if p]
    seen, docs = set(), []
    for licence, packages in SOURCES.items():
        for package in packages.split():
            if package in left_out or (only and package not in only):
                continue
            try:
                root = unpack(options.work, package)
            except subprocess.CalledProcessError:
                print(f"{package}: not in this release; skipped", file=sys.stderr)
                continue
            found = read_package(root, seen)
            random.Random(1).shuffle(found)
            found = list(up_to(MOST_CHARACTERS, found))
            docs += found
            print(f"{package}: {sum(map(len, found)) / 1e6:.1f} MB ({licence})", file=sys.stderr)
    random.Random(2).shuffle(docs)
    docs = list(up_to(int(options.megabytes * 1e6), docs))
    options.out.write_text("\n\n".join(docs) + "\n", "utf-8")
    print(f"{len(docs)} documents, {sum(map(len, docs)) / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()

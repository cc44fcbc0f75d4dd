#!/usr/bin/env python3
"""Collects the English texts that the starter model is adapted on, from Debian packages whose texts are in the
public domain or under a permissive licence (SOURCES below). Nothing is installed: packages are downloaded and
unpacked aside. Needs Debian or Ubuntu (apt-get, dpkg) and Python 3.9; no third-party module.

usage: corpus.py WORK_FOLDER OUT_FILE
Writes OUT_FILE, one text a line, deduplicated, in a fixed order, and OUT_FILE.counts.json with the lines of each
source and the lemma counts of WordNet's sense-tagged texts (used to choose the vocabulary).
"""
import gzip, html, json, re, struct, subprocess, sys, zlib
from html.parser import HTMLParser
from pathlib import Path

# package: (licence of the texts, most lines taken)
SOURCES = {
    "wordnet-base": ("WordNet 3.0 licence", 200_000),
    "r-cran-janeaustenr": ("public domain (Jane Austen's novels)", 40_000),
    "jargon-text": ("public domain (the Jargon File)", 15_000),
    "dict-devil": ("public domain (Ambrose Bierce, The Devil's Dictionary)", 6_000),
    "libreoffice-help-en-us": ("MPL-2.0", 20_000),
    "python3.11-doc": ("PSF-2.0", 20_000),
    "sqlite3-doc": ("public domain", 10_000),
}


def unpack(work: Path, package: str) -> Path:
    """Downloads the package into `work` unless it is there, unpacks it, returns the folder."""
    root = work / "x" / package
    if not root.exists():
        if not list(work.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=work, check=True)
        root.mkdir(parents=True)
        subprocess.run(["dpkg", "-x", str(next(work.glob(f"{package}_*.deb"))), str(root)], check=True)
    return root


class Paragraphs(HTMLParser):
    """Text of <p>, <li>, <dd>, <td> and headings; code and scripts are left out."""

    BLOCKS = {"p", "li", "dd", "dt", "td", "h1", "h2", "h3", "h4", "blockquote", "div"}
    SKIP = {"script", "style", "pre", "svg", "nav"}

    def __init__(self):
        super().__init__()
        self.texts, self.now, self.skip = [], [], 0

    def flush(self):
        text = re.sub(r"\s+", " ", "".join(self.now)).strip()
        if text:
            self.texts.append(text)
        self.now = []

    def handle_starttag(self, tag, attrs):
        self.skip += tag in self.SKIP
        if tag in self.BLOCKS:
            self.flush()

    def handle_endtag(self, tag):
        self.skip -= tag in self.SKIP
        if tag in self.BLOCKS:
            self.flush()

    def handle_data(self, data):
        if not self.skip:
            self.now.append(data)


def sentences(paragraph: str):
    """Splits at a full stop, question or exclamation mark that is followed by a capital or a quote."""
    return [s.strip() for s in re.split(r"(?<=[.!?])[\"”')]*\s+(?=[\"“'(]?[A-Z])", paragraph) if s.strip()]


def wordnet(root: Path):
    """Glosses and example sentences: `| gloss; "example"; "example"` at the end of each data line."""
    for part in ("adj", "verb", "adv", "noun"):
        for line in (root / f"usr/share/wordnet/data.{part}").read_text("latin-1").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            gloss = line.split("|", 1)[1].strip()
            yield re.sub(r"[`']([^`']+)'", r"'\1'", re.split(r';\s*"', gloss)[0])
            yield from re.findall(r'"([^"]{8,})"', gloss)


def lemma_counts(root: Path):
    """How often each lemma occurs in WordNet's sense-tagged texts (cntlist.rev: sense_key sense_number count)."""
    counts = {}
    for line in (root / "usr/share/wordnet/cntlist.rev").read_text("latin-1").splitlines():
        key, _, count = line.split()
        for word in key.split("%")[0].split("_"):
            counts[word] = counts.get(word, 0) + int(count)
    return counts


def html_folder(root: Path):
    for file in sorted(root.rglob("*.html")):
        parser = Paragraphs()
        parser.feed(file.read_text("utf-8", errors="ignore"))
        parser.flush()
        for paragraph in parser.texts:
            yield from sentences(paragraph)


def plain(text: str):
    """Paragraphs are parted by empty lines; words broken by a hyphen at a line's end are joined."""
    for paragraph in re.split(r"\n\s*\n", text):
        yield from sentences(re.sub(r"\s+", " ", paragraph).strip())


def r_strings(file: Path):
    """Strings of an R lazy-load database: blocks of a 4-byte length and a zlib stream that holds XDR; a string is
    flags with type 9 (CHARSXP), a length and its bytes."""
    data = file.read_bytes()
    at = 0
    while at + 4 < len(data):
        try:
            engine = zlib.decompressobj()
            block = engine.decompress(data[at + 4 :])
        except zlib.error:
            at += 1
            continue
        at = len(data) - len(engine.unused_data)
        position = 0
        while position + 8 <= len(block):
            flags, length = struct.unpack_from(">Ii", block, position)
            if flags & 0xFF == 9 and flags < 0x80000 and 0 <= length <= 200 and position + 8 + length <= len(block):
                yield block[position + 8 : position + 8 + length].decode("latin-1")
                position += 8 + length
            else:
                position += 1


def texts(package: str, root: Path):
    if package == "wordnet-base":
        return wordnet(root)
    if package == "r-cran-janeaustenr":
        data = root / "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"
        return plain("\n".join(r_strings(data)))
    if package == "jargon-text":
        return plain(gzip.open(root / "usr/share/doc/jargon-text/jargon.txt.gz").read().decode("utf-8", "ignore"))
    if package == "dict-devil":
        return plain(gzip.open(root / "usr/share/dictd/devil.dict.dz").read().decode("utf-8", "ignore"))
    return html_folder(root)


def usable(text: str) -> bool:
    """3 to 60 words, mostly letters: no tables, code, addresses or contents lists."""
    words = text.split()
    letters = sum(c.isalpha() or c == " " for c in text)
    return 3 <= len(words) <= 60 and letters >= 0.85 * len(text) and not re.search(r"https?:|[{}<>=\\_]|\.{4}", text)


def main():
    work, out = Path(sys.argv[1]), Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    seen, lines, counts = set(), [], {}
    for package, (licence, most) in SOURCES.items():
        root = unpack(work, package)
        found = []
        for text in texts(package, root):
            text = html.unescape(re.sub(r"\s+", " ", text)).strip()
            key = re.sub(r"\W+", " ", text.lower())
            if usable(text) and key not in seen:
                seen.add(key)
                found.append(text)
        # Evenly over the whole package, so that a limit does not keep the first files alone.
        step = max(1.0, len(found) / most)
        found = [found[int(i * step)] for i in range(int(len(found) / step))]
        counts[package] = {"licence": licence, "lines": len(found), "words": sum(len(t.split()) for t in found)}
        lines += found
        print(f"{package}: {len(found)} lines ({licence})", file=sys.stderr)
    out.write_text("\n".join(lines) + "\n", "utf-8")
    lemmas = lemma_counts(work / "x/wordnet-base")
    Path(f"{out}.counts.json").write_text(json.dumps({"sources": counts, "lemmas": lemmas}, indent=0), "utf-8")


if __name__ == "__main__":
    main()

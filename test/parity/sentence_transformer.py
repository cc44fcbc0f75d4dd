"""Loads a sentence-transformers folder that Luthier wrote, as a user would, and compares its embeddings with given ones.

    python test/parity/sentence_transformer.py FOLDER EMBEDDINGS_JSON

EMBEDDINGS_JSON holds "texts" and "embeddings". Prints one line of JSON; exits 1 where they differ by more than 1e-4, and
3 where sentence-transformers is not installed (pip install sentence-transformers==6.2.0).
"""

import json
import sys

try:
    import sentence_transformers
except ImportError:
    sys.exit(3)

TOLERANCE = 1e-4


def main(folder: str, expected_path: str) -> int:
    with open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)
    model = sentence_transformers.SentenceTransformer(folder, device="cpu", local_files_only=True)
    found = model.encode(expected["texts"])
    wanted = expected["embeddings"]
    same = found.shape == (len(wanted), len(wanted[0]))
    difference = float(abs(found - wanted).max()) if same else None
    ok = same and difference <= TOLERANCE
    print(json.dumps({"ok": ok, "difference": difference, "version": sentence_transformers.__version__}))
    return 0 if ok else 1


sys.exit(main(*sys.argv[1:]))

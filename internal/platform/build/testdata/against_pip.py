"""Compares our reader of requirements files with pip's own.

python -I against_pip.py INSPECTOR FOLDER: every folder in FOLDER with a requirements.txt is a case. Prints a line for
each difference, and in the end how many files were compared.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])

from reqfile import Chain, Problem  # noqa: E402

from pip._internal.network.session import PipSession  # noqa: E402
from pip._internal.req.req_file import parse_requirements  # noqa: E402
from pip._internal.index.package_finder import PackageFinder  # noqa: E402
from pip._internal.index.collector import LinkCollector  # noqa: E402
from pip._internal.models.search_scope import SearchScope  # noqa: E402
from pip._internal.models.selection_prefs import SelectionPreferences  # noqa: E402


class Recorder(Chain):
    """Notes requirements as pip names them."""

    def __init__(self, *args):
        super().__init__(*args)
        self.found = []

    def _requirement(self, args, options, words, constraint):
        editable = not args and bool(options.get("editable"))
        text = options["editable"][0] if editable else args
        self.found.append((text, editable, constraint, sorted(options.get("hash", []))))
        super()._requirement(args, options, words, constraint)


def ours(path):
    chain = Recorder(os.path.dirname(path), os.environ)
    try:
        chain.read(path)
    except Problem:
        return "refused", None
    if "is for pip alone" in chain.pip_only:
        return "refused", None
    links = [p.partition(" ")[2] for p in chain.parts if p.startswith("find_links ")]
    return chain.found, (links, chain.pre, chain.require_hashes)


session = PipSession()


def pips(path):
    finder = PackageFinder.create(
        link_collector=LinkCollector(session, SearchScope.create([], [], no_index=False)),
        selection_prefs=SelectionPreferences(allow_yanked=False),
    )

    class Options:
        features_enabled, require_hashes, format_control, isolated_mode = [], False, finder.format_control, False

    found = []
    try:
        for r in parse_requirements(path, session, finder=finder, options=Options):
            hashes = (r.options or {}).get("hashes", {})
            found.append((r.requirement, r.is_editable, r.constraint, sorted("%s:%s" % (k, h) for k, v in hashes.items() for h in v)))
    except Exception:  # noqa: BLE001 - whatever it is, pip refuses the file
        return "refused", None
    return found, (list(finder.find_links), finder.allow_all_prereleases, Options.require_hashes)


count = 0
for case in sorted(os.listdir(sys.argv[2])):
    path = os.path.join(sys.argv[2], case, "requirements.txt")
    if not os.path.isfile(path):
        continue
    os.chdir(os.path.dirname(path))
    count += 1
    mine, theirs = ours(path), pips(path)
    if mine[0] != theirs[0]:
        print("%s: requirements %r, pip has %r" % (case, mine[0], theirs[0]))
    elif mine[1] and (mine[1][1:] != theirs[1][1:] or [os.path.abspath(p) for p in mine[1][0]] != [os.path.abspath(p) for p in theirs[1][0]]):
        print("%s: options %r, pip has %r" % (case, mine[1], theirs[1]))
print("compared %d" % count)

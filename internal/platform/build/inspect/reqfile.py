"""Requirements files, read by the rules of pip: https://pip.pypa.io/en/stable/reference/requirements-file-format/.

The tests compare this reader with pip's own.
"""

import codecs
import locale
import optparse
import os
import re
import shlex
import sys

from local import Local
from names import canonical, name_of

MARKS = (  # the longer ones first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")  # PEP 263
COMMENT = re.compile(r"(^|\s+)#.*$")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
ADDRESS = re.compile(r"(https?|file):", re.IGNORECASE)

# Options that uv understands as pip does, or for which there is an option of the whole command. Where a file has
# another one, pip installs.
BOTH = {
    "index_url", "extra_index_url", "no_index", "constraint", "requirement", "editable", "find_links",
    "no_binary", "only_binary", "require_hashes", "pre", "trusted_host", "hash",
}


class Problem(Exception):
    """What the owner of the project has to mend."""

    def __init__(self, message, hint=""):
        super().__init__(message)
        self.hint = hint


class _Unreadable(Exception):
    pass


class _Options(optparse.OptionParser):
    def error(self, msg):
        raise _Unreadable(msg)

    def exit(self, status=0, msg=None):
        raise _Unreadable(msg or "")


def _parser():
    p = _Options(add_help_option=False, usage=optparse.SUPPRESS_USAGE)
    p.add_option("-i", "--index-url", "--pypi-url", dest="index_url")
    for names in (
        ("--extra-index-url",), ("-c", "--constraint"), ("-r", "--requirement"), ("-e", "--editable"),
        ("-f", "--find-links"), ("--trusted-host",), ("--use-feature",), ("--global-option",), ("--hash",),
        ("-C", "--config-settings", "--config-setting"), ("--no-binary",), ("--only-binary",),
    ):
        long = next(n for n in names if n.startswith("--"))
        p.add_option(*names, dest=long[2:].replace("-", "_"), action="append")
    for name in ("--no-index", "--prefer-binary", "--require-hashes", "--pre"):
        p.add_option(name, dest=name[2:].replace("-", "_"), action="store_true")
    return p


def decode(data, path):
    """Returns the text of a file and whether it reads the same as UTF-8."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            break
    else:
        mark, encoding = b"", None
        for line in data.split(b"\n")[:2]:
            found = CODING.search(line) if line.startswith(b"#") else None
            if found:
                encoding = found.group(1).decode("ascii")
                break
    tries = [encoding] if encoding else ["utf-8", locale.getpreferredencoding(False) or sys.getdefaultencoding()]
    for encoding in tries:
        try:
            text = data[len(mark):].decode(encoding)
        except (UnicodeDecodeError, LookupError) as e:
            failed = e
            continue
        return text, encoding.lower().startswith("utf-") or data.decode("utf-8", "replace") == text
    raise Problem("%s cannot be read: %s" % (path, failed), "save it as UTF-8") from None


def logical_lines(text):
    """Yields number and content of the lines that say something, continuations joined and comments gone."""
    joined, first = [], 0
    for number, line in enumerate(text.splitlines(), start=1):
        comment = COMMENT.match(line)
        if line.endswith("\\") and not comment:
            first = first if joined else number
            joined.append(line.strip("\\"))
            continue
        whole = "".join(joined) + (" " + line if comment else line)
        number = first if joined else number
        joined = []
        whole = COMMENT.sub("", whole).strip()
        if whole:
            yield number, whole
    rest = COMMENT.sub("", "".join(joined)).strip()
    if rest:
        yield first, rest


def expand(line, environ):
    return VARIABLE.sub(lambda m: environ.get(m.group(1)) or m.group(0), line)


def split_options(line):
    """Splits a line where its options begin; what stands before them may hold a marker and is no shell text."""
    words = line.split(" ")
    for i, word in enumerate(words):
        if word.startswith("-"):
            return " ".join(words[:i]), shlex.split(" ".join(words[i:]))
    return line, []


def without_login(url):
    """A login does not decide what an index has."""
    before, at, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return before + at + authority.rpartition("@")[2] + slash + path


class Chain:
    """Reads requirements files and what they refer to, and collects what decides about an installation."""

    def __init__(self, cwd, environ, before=None):
        self.cwd, self.environ = cwd, environ
        self.parts = []  # a change in one of them can change what is installed
        self.names = set()  # of the distributions that are asked for
        self.hashed = self.require_hashes = False  # whether there are hashes; whether they are asked for by an option
        self.pip_only = ""  # why uv must not read these files
        self.pre = self.index = False  # whether the files say --pre and --index-url
        self.trusted = []
        self.options = []  # lines for an installation of what they resolve to
        self.local = Local(cwd, before)
        self._seen = set()

    def read(self, path, constraint=False, comes_from=""):
        key = (os.path.abspath(path), constraint)
        if key in self._seen:
            return
        self._seen.add(key)
        try:
            with open(path, "rb") as f:
                data = f.read()
        except OSError as e:
            where = comes_from or "the requirements"
            raise Problem(
                "%s: cannot read %s: %s" % (where, path, e.strerror or e),
                "write that file, or change the line that names it" if comes_from else "",
            ) from None
        text, plain = decode(data, path)
        if not plain:
            self.pip_only = self.pip_only or "%s is not UTF-8" % path
        self.lines(text, path, constraint)

    def lines(self, text, path, constraint=False):
        for number, line in logical_lines(text):
            line = expand(line, self.environ)
            where = "%s, line %d" % (path, number)
            try:
                args, words = split_options(line)
                options = {k: v for k, v in vars(_parser().parse_args(words)[0]).items() if v is not None}
            except (_Unreadable, ValueError):
                # A mistake, which pip explains best, or an option of a newer pip.
                self.parts.append(line)
                self.pip_only = self.pip_only or where + " is for pip alone"
                continue
            other = sorted(set(options) - BOTH)
            if other:
                self.pip_only = self.pip_only or "%s has --%s" % (where, other[0].replace("_", "-"))
            if not args and not options.get("editable"):
                self._option_line(options, words, path, constraint, where)
            else:
                self._requirement(args, options, words, constraint)

    def _option_line(self, options, words, path, constraint, where):
        nested = options.get("requirement") or options.get("constraint")
        if nested:
            self.refer(nested[0], path, not options.get("requirement"), where)
            return
        self.require_hashes = self.require_hashes or bool(options.get("require_hashes"))
        self.hashed = self.hashed or self.require_hashes
        self.pre = self.pre or bool(options.get("pre"))
        self.index = self.index or "index_url" in options
        self.trusted += options.get("trusted_host", [])
        if "find_links" not in options and not self.require_hashes:
            self.options.append(" ".join(words))
        for name, value in sorted(options.items()):
            if name == "find_links":
                self.options.append("--find-links " + self._find_links(value[0], path))
            elif name.endswith("index_url"):
                urls = [value] if isinstance(value, str) else value
                self.parts.append("%s %s" % (name, " ".join(map(without_login, urls))))
            elif name != "trusted_host":
                self.parts.append("%s %s" % (name, value))

    def refer(self, target, path, constraint, where):
        if ADDRESS.match(target):
            if target.lower().startswith("file:"):
                self.read(self.local.path_of_url(target), constraint, where)
            else:
                self.parts.append(without_login(target))  # what is behind an address counts as its name does
            return
        self.read(os.path.join(os.path.dirname(path), target), constraint, where)

    def _find_links(self, value, path):
        beside = os.path.join(os.path.dirname(os.path.abspath(path)), value)
        where = beside if os.path.exists(beside) else value
        where = self.local.links(where)
        self.parts.append("find_links " + where)
        return where

    def _requirement(self, args, options, words, constraint):
        editable = bool(not args and options.get("editable"))
        text = options["editable"][0] if editable else args
        self.hashed = self.hashed or bool(options.get("hash"))
        described = " ".join(text.split())
        if not editable and words:
            described += " " + " ".join(words)
        state = self.local.requirement(text, editable)
        kind = "constraint " if constraint else "editable " if editable else ""
        self.parts.append(kind + (state or described))
        name = name_of(text)
        if name and not constraint:
            self.names.add(canonical(name))

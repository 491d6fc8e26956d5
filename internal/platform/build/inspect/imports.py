"""What the code of a project imports, as the last resort to learn what it needs."""

import ast
import json
import os
import re
import sys
import sysconfig

NAMESPACES = ("google.cloud", "azure.storage", "azure.ai", "azure.data", "azure")  # google.cloud.X is google-cloud-X
PASSED_OVER = {"node_modules", "__pycache__", "tests", "test", "docs", "site-packages", "build", "dist", "venv", "env"}
NOT_OF_THE_APP = {"setup.py", "conftest.py", "noxfile.py", "fabfile.py", "tasks.py"}
MOST = 2000  # files that are read
LARGEST = 2 << 20  # bytes of a file that is read


# Modules that newer versions of Python have no more. Distributions of these names belong to somebody else.
REMOVED = {
    "aifc", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk", "crypt", "distutils", "dummy_threading", "formatter",
    "imghdr", "imp", "lib2to3", "macpath", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "parser", "pipes", "smtpd", "sndhdr",
    "spwd", "sunau", "symbol", "telnetlib", "uu", "xdrlib",
}


def standard():
    names = getattr(sys, "stdlib_module_names", None)  # since 3.10
    if names is None:
        folder = sysconfig.get_paths()["stdlib"]
        names = {n.partition(".")[0] for n in os.listdir(folder) + os.listdir(os.path.join(folder, "lib-dynload"))}
        names |= set(sys.builtin_module_names)
    return set(names) | REMOVED | {"__main__", "js", "pyodide"}


def sources(root):
    """Yields the Python files and notebooks of a project, but not its tests or environments."""
    count = 0
    for top, dirs, files in os.walk(root):
        dirs[:] = sorted(
            d for d in dirs
            if not d.startswith(".") and d not in PASSED_OVER and not os.path.exists(os.path.join(top, d, "pyvenv.cfg"))
            and not os.path.exists(os.path.join(top, d, "conda-meta"))
        )
        for name in sorted(files):
            if not name.endswith((".py", ".ipynb")) or name in NOT_OF_THE_APP or name.startswith(("test_", ".")):
                continue
            path = os.path.join(top, name)
            if os.path.getsize(path) <= LARGEST:
                count += 1
                if count > MOST:
                    return
                yield path


def code_of(path):
    with open(path, "rb") as f:
        data = f.read()
    if not path.endswith(".ipynb"):
        return data
    lines = []
    for cell in json.loads(data.decode("utf-8-sig")).get("cells", []):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        if text.lstrip().startswith("%%"):
            continue
        # A magic or a command of the shell is no Python; what stands below it has to keep a body.
        lines += [
            line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith(("%", "!", "?")) else line
            for line in text.splitlines()
        ]
    return "\n".join(lines)


class Finder(ast.NodeVisitor):
    """Collects modules; those that the code can do without, because it catches ImportError, apart."""

    def __init__(self):
        self.found, self.optional = set(), set()
        self.into = self.found

    def visit_Import(self, node):
        self.into.update(a.name for a in node.names)

    def visit_ImportFrom(self, node):
        if not node.level and node.module:
            self.into.update("%s.%s" % (node.module, a.name) for a in node.names)

    def visit_If(self, node):
        test = getattr(node.test, "attr", getattr(node.test, "id", ""))
        for part in node.orelse if test == "TYPE_CHECKING" else [node.test] + node.body + node.orelse:
            self.visit(part)

    def visit_Try(self, node):
        names = set()
        for handler in node.handlers:
            caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            names |= {getattr(c, "id", getattr(c, "attr", "Exception")) for c in caught}
        outside = self.into
        if names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}:
            self.into = self.optional
        for part in node.body + node.handlers:
            self.visit(part)
        self.into = outside
        for part in node.orelse + node.finalbody:
            self.visit(part)


def distribution(module, table):
    """The distribution that has a module, by its dotted name; table has those whose names differ."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in table:
            return table[".".join(parts[:length])]
    for namespace in NAMESPACES:
        if module.startswith(namespace + ".") and len(parts) > namespace.count(".") + 1:
            name = "-".join(parts[: namespace.count(".") + 2]).lower().replace("_", "-")
            return re.sub(r"-v\d+\w*$", "", name)
    return parts[0].replace("_", "-")


def is_local(module, path, root):
    """Whether a module that the file at path imports is the project's own."""
    parts = module.split(".")
    for base in (os.path.dirname(path), root, os.path.join(root, "src")):
        top = os.path.join(base, parts[0])
        if os.path.isfile(top + ".py") or os.path.isfile(os.path.join(top, "__init__.py")):
            return True
        # A folder without __init__.py gives way to an installed package, so what is imported has to be in it.
        below = os.path.join(top, *parts[1:2])
        if len(parts) > 1 and (os.path.isfile(below + ".py") or os.path.isdir(below)):
            return True
    return False


def needed(root, table):
    """Returns the distributions that the code of a project needs, and those that it can do without."""
    known, needs, can_do_without = standard(), set(), set()
    for path in sources(root):
        finder = Finder()
        try:
            finder.visit(ast.parse(code_of(path), path))
        except (SyntaxError, ValueError, RecursionError):
            continue  # running it will say more than a guess could
        for modules, kind in ((finder.found, needs), (finder.optional, can_do_without)):
            kind.update(
                distribution(m, table) for m in modules if m.partition(".")[0] not in known and not is_local(m, path, root)
            )
    return sorted(needs, key=str.lower), sorted(can_do_without - needs, key=str.lower)

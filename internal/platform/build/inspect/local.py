"""The state of what an installation takes from this machine: projects, archives, repositories and folders of links."""

import hashlib
import os
import re
import urllib.parse
import urllib.request

from tomlfile import load_toml

LARGE = 8 << 20  # bytes; the content of larger files is not read, their size and time count
ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma")
CACHES = {"__pycache__", "node_modules"}
OUTPUT = {"build", "dist", "target", "_skbuild"}  # at the top of a project: what builds leave there
LEFTOVERS = (".pyc", ".pyo", "~", ".swp", ".DS_Store")  # of Python, editors and desktops
RUNNING = (".log", ".db", ".sqlite", ".sqlite3", "-journal", "-wal", "-shm", ".pid")  # what an app writes beside its code
# An editable project is used where it is. What decides is what its build reads: configuration, code that is
# compiled, the modules where versions are kept, and which modules there are.
BUILD_INPUTS = (
    ".toml", ".cfg", ".ini", ".in", ".txt", ".md", ".rst", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".pyx", ".pxd", ".pxi",
    ".rs", ".f", ".f90", ".cu", ".go", ".lock", ".cmake", ".build",
)
VERSION_MODULES = {"__init__.py", "__about__.py", "__version__.py", "_version.py", "version.py", "about.py"}


class Local:
    """Collects states; each project counts once, with the projects that it needs from this machine."""

    def __init__(self, cwd, before=None):
        self.cwd = cwd
        self.before = before  # seconds since the epoch; files of projects that came later do not count
        self.states = []
        self._seen = set()

    def path_of_url(self, url):
        """The path of a file: address, without its fragment. Those without slashes are relative to the project."""
        url = url.partition("#")[0]
        rest = url[len("file:"):]
        if rest.startswith("//"):
            host, slash, path = rest[2:].partition("/")
            rest = slash + path if host.lower() in ("", "localhost") else "//" + host + slash + path
        return os.path.join(self.cwd, urllib.request.url2pathname(rest))

    def requirement(self, text, editable):
        """Adds what a requirement names on this machine; returns what it says in full, "" where it names nothing here."""
        target = re.split(r"\s;|;\s" if "://" in text else ";", text, maxsplit=1)[0].strip()
        marker = text[len(target):].strip()
        name, at, address = target.partition("@")
        if at and re.match(r"^[\w.-]+\s*(\[[^\]]*\])?\s*$", name) and not name.startswith("."):
            target = address.strip()
        lower = target.lower()
        if re.match(r"(git|hg|svn|bzr)\+file:", lower):
            path = self.path_of_url(re.sub(r"(\.git)?@[^/]*$", r"\1", target.partition("+")[2].partition("#")[0]))
            self._add("repository", path, self._repository)
            return "%s %s" % (target, marker)
        extras = ""
        if lower.startswith("file:"):
            path = self.path_of_url(target)
        else:
            found = re.match(r"^(.+?)\s*(\[[^\]]*\])$", target)
            bare, extras = found.groups() if found else (target, "")
            path = os.path.join(self.cwd, bare)
            looks = os.sep in bare or "/" in bare or bare.startswith(".")
            if "://" in bare or not (looks or bare.lower().endswith(ARCHIVES) and os.path.isfile(path)):
                if not (editable and os.path.isdir(path)):
                    return ""
        path = os.path.normpath(path)
        self.project(path, editable)
        return "%s%s %s" % (path, extras, marker)

    def project(self, path, editable=False):
        """Adds a project or an archive."""
        if os.path.isdir(path):
            self._add("editable" if editable else "tree", path, lambda p: self._tree(p, editable))
        else:
            self._add("file", path, self._file)

    def links(self, where):
        """Adds the archives of a folder, or the pages, that --find-links names."""
        if re.match(r"https?:", where, re.IGNORECASE):
            return where
        path = self.path_of_url(where) if where.lower().startswith("file:") else os.path.join(self.cwd, where)
        self._add("links", path, lambda p: [
            "%s %s" % (name, self._file(os.path.join(p, name)))
            for name in sorted(os.listdir(p)) if name.lower().endswith(ARCHIVES)
        ] if os.path.isdir(p) else self._file(p))
        return path

    def _add(self, kind, path, state):
        path = os.path.abspath(path)
        if (kind, path) in self._seen:
            return
        self._seen.add((kind, path))
        try:
            found = state(path)
        except OSError as e:
            found = "unreadable: %s" % e.strerror  # the installer says so too, if it matters
        self.states.append([kind, path, found])

    def _file(self, path):
        info = os.stat(path)
        if info.st_size > LARGE:
            return "%d %d" % (info.st_size, info.st_mtime_ns)
        with open(path, "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def _repository(self, path):
        """Where the branches and tags of a Git repository are."""
        git = os.path.join(path, ".git")
        git = git if os.path.isdir(git) else path
        found = []
        for top, dirs, files in os.walk(os.path.join(git, "refs")):
            dirs.sort()
            found += [os.path.join(top, f) for f in sorted(files)]
        found += [os.path.join(git, f) for f in ("HEAD", "packed-refs")]
        return [self._file(f) for f in found if os.path.isfile(f)]

    def _tree(self, root, editable):
        self._needs(root)
        lines, visited = [], set()
        for top, dirs, files in os.walk(root, followlinks=True):
            real = os.path.realpath(top)
            if real in visited:
                dirs[:] = []
                continue
            visited.add(real)
            dirs[:] = sorted(
                d for d in dirs
                if not d.startswith(".") and d not in CACHES and not d.endswith((".egg-info", ".dist-info"))
                and not (top == root and d in OUTPUT) and not os.path.exists(os.path.join(top, d, "pyvenv.cfg"))
            )
            for name in sorted(files):
                if name.endswith(LEFTOVERS + RUNNING) or name.startswith((".env", "._", "#")):
                    continue
                how = self._counts(name, top == root) if editable else "content"
                if not how:
                    continue
                path = os.path.join(top, name)
                try:
                    if self.before and os.lstat(path).st_ctime > self.before:
                        continue
                    state = self._file(path) if how == "content" else ""
                except OSError:
                    state = "unreadable"
                lines.append("%s %s" % (os.path.relpath(path, root), state))
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    @staticmethod
    def _counts(name, top):
        """How a file of an editable project counts: by its content, its name or not at all."""
        if name.endswith((".py", ".pyi")):
            return "content" if top or name in VERSION_MODULES else "name"
        return "content" if name.endswith(BUILD_INPUTS) or "." not in name else ""

    def _needs(self, root):
        """Adds the projects of this machine that the project at root needs."""
        path = os.path.join(root, "pyproject.toml")
        if not os.path.isfile(path):
            return
        try:
            content = load_toml(path)
        except Exception:  # noqa: BLE001 - the installer will say what is wrong
            return
        for path, editable in path_dependencies(content, root):
            self.project(path, editable)


def path_dependencies(content, root):
    """Yields the paths that a pyproject.toml names: sources of uv, dependencies of Poetry and addresses by PEP 508."""
    project, tool = content.get("project", {}), content.get("tool", {})
    listed = list(project.get("dependencies", [])) + list(content.get("build-system", {}).get("requires", []))
    for extra in project.get("optional-dependencies", {}).values():
        listed += extra
    uri = "file://" + urllib.request.pathname2url(root)
    for requirement in listed:
        _, at, address = str(requirement).replace("{root:uri}", uri).partition("@")
        address = re.split(r"\s;", address)[0].strip()
        if at and address.lower().startswith("file:"):
            yield os.path.normpath(Local(root).path_of_url(address)), False
    groups = [tool.get("poetry", {}).get("dependencies", {}), tool.get("uv", {}).get("sources", {})]
    groups += [g.get("dependencies", {}) for g in tool.get("poetry", {}).get("group", {}).values()]
    for group in groups:
        for name, sources in group.items():
            for source in sources if isinstance(sources, list) else [sources]:
                if not isinstance(source, dict):
                    continue
                if source.get("path"):
                    yield os.path.normpath(os.path.join(root, source["path"])), bool(source.get("editable") or source.get("develop"))
                elif source.get("workspace"):
                    member = workspace_member(root, name)
                    if member:
                        yield member, True


def workspace_member(root, name):
    """The folder of a member of the uv workspace that root belongs to; "" where there is none of that name."""
    import glob

    from names import canonical

    above = os.path.abspath(root)
    while True:
        path = os.path.join(above, "pyproject.toml")
        workspace = load_toml(path).get("tool", {}).get("uv", {}).get("workspace") if os.path.isfile(path) else None
        if workspace is not None:
            for pattern in list(workspace.get("members", [])) + ["."]:
                for member in sorted(glob.glob(os.path.join(above, pattern))):
                    own = os.path.join(member, "pyproject.toml")
                    if os.path.isfile(own) and canonical(load_toml(own).get("project", {}).get("name", "")) == canonical(name):
                        return os.path.normpath(member)
            return ""
        parent = os.path.dirname(above)
        if parent == above:
            return ""
        above = parent

"""Where a project says what it needs, and what that comes to as requirements."""

import ast
import configparser
import glob
import json
import os
import re
import shlex

import imports
from local import path_dependencies
from names import canonical, from_poetry, name_of
from reqfile import Problem
from tomlfile import NoReader, load_toml

REQUIREMENTS = ("requirements.txt",)
# Kept apart by purpose; what an app needs to run is in the first that is there.
OTHER_REQUIREMENTS = (
    "requirements/requirements.txt", "requirements/base.txt", "requirements/main.txt", "requirements/common.txt",
    "requirements/app.txt", "requirements/prod.txt", "requirements/production.txt", "requirements.in", "requirements/base.in",
)


class Source:
    """Requirements of a project."""

    def __init__(self, name):
        self.name = name  # for messages
        self.guessed = False
        self.file = ""  # a requirements file of the project, or "" where lines say it
        self.lines = []  # requirements, with paths made absolute
        self.pins = []  # constraints from a lock file
        self.uv_file = ""  # what uv reads in place of lines
        self.uv_only = ""  # why pip cannot install it
        self.indexes = []  # of its own; a package that one of them has is taken from there
        self.python = ""  # specifiers by PEP 440
        self.warnings = []
        self.paths = []  # folders of modules that belong to the project


def toml(path):
    try:
        return load_toml(path)
    except NoReader:
        raise Problem(
            "%s cannot be read with this Python" % path, "use Python 3.11 or newer, or write a requirements.txt"
        ) from None
    except (ValueError, OSError) as e:
        raise Problem("%s cannot be read: %s" % (path, e), "correct it") from None


def find(root, environment, distributions):
    """Returns the source of a project. environment is what its environment.yml holds, or None; distributions are those
    whose names differ from their modules'."""
    def there(name):
        return os.path.isfile(os.path.join(root, name))

    for name in REQUIREMENTS:
        if there(name):
            return of_file(root, name)
    if there("pylock.toml"):
        return pylock(root)
    if there("pyproject.toml"):
        source = pyproject(root)
        if source:
            return source
    if there("Pipfile") or there("Pipfile.lock"):
        return pipfile(root)
    for name in OTHER_REQUIREMENTS:
        if there(name):
            return of_file(root, name)
    only = glob.glob(os.path.join(glob.escape(root), "requirements", "*.txt"))
    if len(only) == 1:
        return of_file(root, os.path.join("requirements", os.path.basename(only[0])))
    if environment is not None:
        return conda(root, environment, distributions)
    for name, read in (("setup.cfg", setup_cfg), ("setup.py", setup_py)):
        source = read(root) if there(name) else None
        if source:
            return source
    return of_imports(root, distributions)


def of_file(root, name):
    source = Source(name)
    source.file = os.path.join(root, name)
    return source


def of_imports(root, distributions):
    source = Source("the imports of the code")
    source.guessed = True
    source.lines, optional = imports.needed(root, distributions)
    listed = ", ".join(source.lines) or "nothing besides the framework"
    source.warnings.append(
        "no requirements.txt; what the code imports is installed: %s%s. Write a requirements.txt to choose the packages yourself"
        % (listed, " (left out, since the code can do without: %s)" % ", ".join(optional) if optional else "")
    )
    return source


def include(root, name):
    return "-r " + shlex.quote(os.path.join(root, name))


def from_root(root, line):
    """A line of a requirements file that would stand in root."""
    found = re.match(r"\s*(-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(.+)$", line)
    if not found or "://" in line:
        return line
    return "%s %s" % (found.group(1), shlex.quote(os.path.join(root, " ".join(shlex.split(found.group(2), comments=True)))))


def place_line(path, editable, rest=""):
    """A requirement for a path; what follows an option is shell text."""
    return "-e " + shlex.quote(path + rest) if editable else path + rest


def own_indexes(source, urls):
    """Notes indexes that the project names. pip would ask all of them for every package, which lets a stranger who
    publishes a package of the same name elsewhere put in his own."""
    source.indexes = list(urls)
    if source.indexes:
        source.uv_only = source.uv_only or source.name + " names an index of its own, and pip cannot keep to it"


def git_reference(name, table, extras=""):
    """A requirement by PEP 508 for a source in Git, as uv, Poetry and Pipenv write it."""
    url = table["git"]
    if "://" not in url:  # git@host:path
        url = "ssh://" + url.replace(":", "/", 1)
    rev = table.get("rev") or table.get("tag") or table.get("branch") or table.get("ref")
    below = table.get("subdirectory")
    return "%s%s @ git+%s%s%s" % (name, extras, url, "@" + rev if rev else "", "#subdirectory=" + below if below else "")


def pyproject(root):
    """The dependencies in pyproject.toml, pinned by the lock file of uv or Poetry where there is one."""
    path = os.path.join(root, "pyproject.toml")
    content = toml(path)
    project, tool = content.get("project", {}), content.get("tool", {})
    source = Source("pyproject.toml")
    source.python = str(project.get("requires-python", ""))
    poetry = tool.get("poetry", {}).get("dependencies")
    if "dependencies" in project:
        source.lines = [str(d) for d in project["dependencies"]]
        with_uv_sources(source, root, content)
    elif "dependencies" in project.get("dynamic", []):
        dynamic(source, root, tool)
    elif poetry is not None:
        poetry_dependencies(source, root, poetry)
        own_indexes(source, [i["url"] for i in tool["poetry"].get("source", []) if i.get("url")])
    else:
        return None  # settings of tools alone, or a project that does not say what it needs
    uri = "file://" + root
    source.lines = [line.replace("{root:uri}", uri) for line in source.lines]
    for lock, read in (("uv.lock", uv_pins), ("poetry.lock", poetry_pins)):
        if os.path.isfile(os.path.join(root, lock)):
            source.name += " and " + lock
            source.pins = read(toml(os.path.join(root, lock)))
            break
    if content.get("build-system") and os.path.isdir(os.path.join(root, "src")):
        source.paths.append(os.path.join(root, "src"))
    return source


def with_uv_sources(source, root, content):
    """Replaces names by what [tool.uv.sources] says about them; uv reads that itself."""
    sources = {canonical(k): v for k, v in content.get("tool", {}).get("uv", {}).get("sources", {}).items()}
    used = {canonical(name_of(line)) for line in source.lines} & set(sources)
    if not used:
        return
    source.uv_file = os.path.join(root, "pyproject.toml")
    places = {}
    for path, editable in path_dependencies({"tool": {"uv": {"sources": sources}}}, root):
        places.setdefault(path, editable)
    lines = []
    for line in source.lines:
        name = name_of(line)
        table = sources.get(canonical(name))
        if table is None:
            lines.append(line)
        elif not isinstance(table, dict) or "index" in table:
            source.uv_only = "[tool.uv.sources] in pyproject.toml says more about %s than pip can be told" % name
        elif "git" in table:
            lines.append(git_reference(name, table))
        elif "url" in table:
            lines.append("%s @ %s" % (name, table["url"]))
        else:
            own = path_dependencies({"tool": {"uv": {"sources": {name: table}}}}, root)
            lines += [place_line(path, editable) for path, editable in own]
    source.lines = lines


def dynamic(source, root, tool):
    """Dependencies that setuptools reads from requirements files."""
    named = tool.get("setuptools", {}).get("dynamic", {}).get("dependencies", {})
    files = named.get("file", []) if isinstance(named, dict) else []
    if not files:
        other = setup_cfg(root) if os.path.isfile(os.path.join(root, "setup.cfg")) else None
        other = other or (setup_py(root) if os.path.isfile(os.path.join(root, "setup.py")) else None)
        if not other:
            raise Problem(
                "pyproject.toml leaves its dependencies to the build backend",
                "write a requirements.txt, such as with 'pip freeze', or list the dependencies in pyproject.toml",
            )
        source.name, source.lines = other.name, other.lines
        return
    source.lines = [include(root, f) for f in ([files] if isinstance(files, str) else files)]


def poetry_dependencies(source, root, dependencies):
    for name, wanted in dependencies.items():
        if canonical(name) == "python":
            source.python = from_poetry(str(wanted))
            continue
        for table in wanted if isinstance(wanted, list) else [wanted]:
            table = {"version": table} if isinstance(table, str) else table
            if table.get("optional"):
                continue
            extras = "[%s]" % ",".join(table["extras"]) if table.get("extras") else ""
            markers = [table["markers"]] if table.get("markers") else []
            if table.get("python"):
                markers += ["python_full_version %s '%s'" % split(c) for c in from_poetry(table["python"]).split(",") if c]
            if table.get("platform"):
                markers.append("sys_platform == '%s'" % table["platform"])
            marker = " ; " + " and ".join("(%s)" % m for m in markers) if markers else ""
            if "path" in table:
                place = os.path.normpath(os.path.join(root, table["path"]))
                source.lines.append(place_line(place, table.get("develop"), extras + ("" if table.get("develop") else marker)))
            elif "git" in table:
                source.lines.append(git_reference(name, table, extras) + marker)
            elif "url" in table:
                source.lines.append("%s%s @ %s%s" % (name, extras, table["url"], marker))
            else:
                source.lines.append("%s%s%s%s" % (name, extras, from_poetry(table.get("version", "*")), marker))


def split(clause):
    operator = clause[: len(clause) - len(clause.lstrip("<>=!~"))]
    return operator, clause[len(operator):]


def uv_pins(lock):
    """Constraints from uv.lock. A package may be there in several versions, each under its own markers."""
    pins = []
    for package in lock.get("package", []):
        if "registry" not in package.get("source", {}) or "version" not in package:
            continue
        markers = package.get("resolution-markers", [])
        marker = " ; " + " or ".join("(%s)" % m for m in markers) if markers else ""
        pins.append("%s==%s%s" % (package["name"], package["version"], marker))
    return several(pins)


def several(pins):
    """Leaves out those of which there are several without a marker that chooses: they would contradict each other."""
    plain = {}
    for pin in pins:
        if ";" not in pin:
            plain.setdefault(name_of(pin), set()).add(pin)
    return [p for p in pins if ";" in p or len(plain[name_of(p)]) == 1]


def poetry_pins(lock):
    return several([
        "%s==%s" % (p["name"], p["version"])
        for p in lock.get("package", []) if p.get("source", {}).get("type", "legacy") == "legacy"
    ])


def hashed(lines):
    """Appends hashes to requirements where all have some: pip asks for those of all packages or of none."""
    complete = all(hashes for _, hashes in lines)
    return [line + ("".join(" --hash=" + h for h in hashes) if complete else "") for line, hashes in lines]


def pylock(root):
    """The packages of a lock file by PEP 751."""
    content = toml(os.path.join(root, "pylock.toml"))
    source, lines = Source("pylock.toml"), []
    source.python = str(content.get("requires-python", ""))
    for p in content.get("packages", []):
        name = p["name"]
        marker = " ; " + p["marker"] if p.get("marker") else ""
        hashes = []
        if "directory" in p:
            place = os.path.normpath(os.path.join(root, p["directory"]["path"]))
            if place == os.path.normpath(root):
                continue
            line = place_line(place, p["directory"].get("editable"))
        elif "vcs" in p:
            v = p["vcs"]
            url = v.get("url") or "file://" + os.path.join(root, v.get("path", ""))
            line = git_reference(name, {"git": url, "rev": v["commit-id"], "subdirectory": v.get("subdirectory")})
        elif "archive" in p:
            a = p["archive"]
            line = "%s @ %s" % (name, a.get("url") or "file://" + os.path.normpath(os.path.join(root, a["path"])))
            hashes = ["%s:%s" % h for h in a.get("hashes", {}).items()]
        else:
            line = "%s==%s" % (name, p["version"])
            files = p.get("wheels", []) + ([p["sdist"]] if "sdist" in p else [])
            hashes = ["%s:%s" % h for f in files for h in f.get("hashes", {}).items()]
        lines.append((line + marker, hashes))
    source.lines = hashed(lines)
    return source


def pipfile(root):
    path, lock = os.path.join(root, "Pipfile"), os.path.join(root, "Pipfile.lock")
    if os.path.isfile(lock):
        source = Source("Pipfile.lock")
        try:
            with open(lock, encoding="utf-8") as f:
                content = json.load(f)
        except (ValueError, OSError) as e:
            raise Problem("%s cannot be read: %s" % (lock, e), "run 'pipenv lock'") from None
        packages, meta = content.get("default", {}), content.get("_meta", {})
        indexes, requires = meta.get("sources", []), meta.get("requires", {})
    else:
        source = Source("Pipfile")
        content = toml(path)
        packages, indexes, requires = content.get("packages", {}), content.get("source", []), content.get("requires", {})
    wanted = requires.get("python_full_version") or requires.get("python_version")
    if wanted:
        source.python = "==%s.*" % wanted if wanted.count(".") < 2 else "==" + wanted
    lines = []
    for name, table in packages.items():
        table = {"version": table} if isinstance(table, str) else table
        extras = "[%s]" % ",".join(table["extras"]) if table.get("extras") else ""
        marker = " ; " + table["markers"] if table.get("markers") else ""
        if table.get("path") or table.get("file"):
            place = table.get("path") or table["file"]
            place = place if "://" in place else os.path.normpath(os.path.join(root, place))
            line = place_line(place, table.get("editable"), extras)
        elif "git" in table:
            line = git_reference(name, table, extras)
        else:
            version = table.get("version", "*")
            line = name + extras + ("" if version == "*" else version)
        lines.append((line + marker, table.get("hashes", [])))
    source.lines = hashed(lines)
    # The usual one may have been replaced by the user with another.
    own_indexes(source, [os.path.expandvars(i["url"]) for i in indexes if i.get("url") and i.get("name") != "pypi"])
    return source


def conda(root, environment, distributions):
    """The pip part of environment.yml, and of the rest what the code imports."""
    source = Source(environment["name"])
    source.lines = [from_root(root, str(line)) for line in environment.get("pip") or []]
    asked = {canonical(name_of(line)) for line in source.lines}
    needs = {canonical(name_of(n)): n for n in imports.needed(root, distributions)[0]}
    taken, left = [], []
    for item in environment.get("conda") or []:
        name, version = conda_match(str(item))
        if name == "python":
            source.python = version.replace("==", "==", 1) if version else ""
        elif canonical(name) in asked or name in ("pip", "setuptools", "wheel"):
            continue
        elif canonical(name) in needs or canonical(name) == canonical(environment.get("package", "")):
            taken.append(name + version)
        elif name in CONDA_NAMES:
            taken.append(CONDA_NAMES[name] + version)
        else:
            left.append(name)
    source.lines += taken
    if taken or left:
        said = []
        if taken:
            said.append("these are installed with pip in place of conda: " + ", ".join(taken))
        if left:
            said.append("these are not installed: " + ", ".join(left))
        source.warnings.append("%s: %s. List what the app needs below 'pip:' or in requirements.txt" % (source.name, "; ".join(said)))
    return source


# Packages of conda that are called something else in the Python registry.
CONDA_NAMES = {
    "pytables": "tables", "pytorch": "torch", "matplotlib-base": "matplotlib", "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless", "plotly-dash": "dash", "msgpack-python": "msgpack", "dask-core": "dask",
}


def conda_match(item):
    """Splits a match specification of conda into a name and specifiers by PEP 440."""
    item = item.partition("::")[2] or item
    item = item.partition("[")[0].strip()
    name = item[: next((i for i, c in enumerate(item) if c in "=<>!~ "), len(item))]
    version = item[len(name):].strip()
    if version.startswith("=") and not version.startswith("=="):
        version = version[1:].partition("=")[0]  # what follows names a build
        version = "==" + version if version.endswith("*") or not version else "==%s.*" % version
    elif version.startswith("=="):
        version = "==" + version[2:].partition("=")[0]
    elif version[:1].isdigit():
        version = "==" + version.split()[0]
    return name.lower(), "" if version in ("==", "==*") or "|" in version else version.replace(" ", "")


def setup_cfg(root):
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(os.path.join(root, "setup.cfg"), encoding="utf-8-sig")
        listed = parser.get("options", "install_requires", fallback=None)
    except (configparser.Error, UnicodeDecodeError) as e:
        raise Problem("setup.cfg cannot be read: %s" % " ".join(str(e).split()), "correct it") from None
    if listed is None:
        return None
    source = Source("setup.cfg")
    source.python = parser.get("options", "python_requires", fallback="")
    if listed.strip().startswith("file:"):
        source.lines = [include(root, f.strip()) for f in listed.strip()[len("file:"):].split(",")]
    else:
        source.lines = [line.strip() for line in listed.splitlines() if line.strip()]
    return source


def setup_py(root):
    """The literal install_requires of setup.py, which is not run: it may do anything."""
    path = os.path.join(root, "setup.py")
    try:
        with open(path, "rb") as f:
            tree = ast.parse(f.read(), path)
    except (SyntaxError, ValueError) as e:
        raise Problem("setup.py cannot be read: %s" % e, "correct it") from None
    constants = {
        t.id: n.value for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", getattr(node.func, "id", "")) != "setup":
            continue
        given = {k.arg: constants.get(getattr(k.value, "id", None), k.value) for k in node.keywords}
        if "install_requires" not in given:
            continue
        try:
            lines = ast.literal_eval(given["install_requires"])
        except ValueError:
            raise Problem("setup.py computes its dependencies", "write a requirements.txt, such as with 'pip freeze'") from None
        source = Source("setup.py")
        source.lines = [lines] if isinstance(lines, str) else [str(line) for line in lines]
        return source
    return None

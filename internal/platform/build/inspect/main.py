"""Prints as JSON which Python this is and what a project needs from it.

Run by the interpreter that the project's environment is made for, with one argument, a JSON object: dir, the
project; environment, what its environment.yml holds; package, the framework; distributions, those whose names differ from
their modules'; before, a time after which files of local projects do not count. The working folder is the project, as it
is for the installers.
"""

import json
import os
import platform
import sys
import sysconfig

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def describe():
    return {
        "version": platform.python_version(),
        "platform": sysconfig.get_platform(),
        # Of the installation itself, where this one belongs to a virtual environment.
        "path": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
        if os.name == "nt" else getattr(sys, "_base_executable", None) or sys.executable,
    }


def inspect(asked):
    from names import satisfies
    from reqfile import Chain, Problem, without_login
    from settings import DECIDING, PIP_ALONE, pip_settings, with_uv
    from sources import find

    environ, root = os.environ, asked["dir"]
    settings = with_uv(pip_settings(environ, Problem), environ, root)
    environment = asked.get("environment")
    if environment:
        environment["package"] = asked.get("package", "")
    source = find(root, environment, asked.get("distributions", {}))
    chain = Chain(root, environ, asked.get("before"))
    if source.file:
        chain.read(source.file)
    else:
        chain.lines("\n".join(source.lines), os.path.join(root, source.name))
        chain.lines("\n".join(source.pins), os.path.join(root, source.name), constraint=True)
    for name in ("constraint", "build-constraint"):
        for path in settings.get(name, "").split():
            chain.refer(path, os.path.join(root, "-"), True, "the setting %s of pip" % name)
    for place in settings.get("find-links", "").split():
        chain.parts.append("find-links " + chain.local.links(place))
    deciding = ["index " + without_login(url) for url in source.indexes]
    deciding += [os.path.relpath(path, root) for path in source.paths]
    for name in DECIDING:
        if name in settings:
            deciding.append(name + " " + " ".join(without_login(w) for w in settings[name].split()))
    pip_only = chain.pip_only
    for name in PIP_ALONE:
        if name in settings:
            pip_only = pip_only or "pip is set to %s" % name
    return {
        "source": source.name,
        "guessed": source.guessed,
        "file": source.file,
        "uv_file": source.uv_file,
        "lines": source.lines,
        "pins": source.pins,
        "paths": source.paths,
        "indexes": source.indexes,
        "parts": chain.parts + deciding,
        "local": chain.local.states,
        "names": sorted(chain.names),
        "hashed": chain.hashed or "require-hashes" in settings,
        "require_hashes": chain.require_hashes or "require-hashes" in settings,
        "pre": chain.pre,
        "index": chain.index,
        "options": chain.options,
        "trusted": chain.trusted,
        "pip_only": pip_only,
        "uv_only": source.uv_only,
        "requires": "" if satisfies(platform.python_version(), source.python) else source.python,
        "warnings": source.warnings,
        "settings": settings,
    }


def main():
    report = describe()
    if sys.version_info < (3, 8):
        report["source"], report["requires"] = "ploomber-cloud", ">=3.8"
    else:
        from reqfile import Problem

        try:
            report.update(inspect(json.loads(sys.argv[1])))
        except Problem as e:
            report["problem"], report["hint"] = str(e), e.hint
    json.dump(report, sys.stdout)


main()

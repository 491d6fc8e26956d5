"""Compiles the packages of an environment and Python's own modules to bytecode.

Run by the interpreter of the environment with two arguments: the folder where that looks for bytecode, and one that holds
bytecode by the digest of its source. Bytecode of a file that is the same elsewhere is linked, so that it is made once and
takes space once. Python uses it without a look at the source, which does not change in an environment.
"""

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor

LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "lib2to3"}  # apps do not import them; Python compiles them if they do
SOME = 100  # files in a task of a worker


def sources(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in LEFT_OUT and not f.endswith("-packages")]
        yield from (os.path.join(folder, f) for f in files if f.endswith(".py"))


def compile_some(prefix, kept, paths):
    sys.pycache_prefix = prefix
    for path in paths:
        target = importlib.util.cache_from_source(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        beside = os.path.join(os.path.dirname(path), "__pycache__", os.path.basename(target))
        if os.path.exists(beside):  # of Python's own modules, as a rule
            link(os.symlink, beside, target)
            continue
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        shared = os.path.join(kept, digest[:2], digest)
        if not os.path.exists(shared):
            try:
                py_compile.compile(path, shared, path, True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            except (py_compile.PyCompileError, ValueError):
                continue  # a template, or for another version of Python
        link(os.link, shared, target)


def link(make, source, target):
    try:
        make(source, target)
    except FileExistsError:
        pass  # Python has compiled it to run this
    except OSError:
        shutil.copy(source, target)  # the file system has no links, or no more for this file


def main(prefix, kept):
    kept = os.path.join(kept, sys.implementation.cache_tag)
    for i in range(256):
        os.makedirs(os.path.join(kept, "%02x" % i), exist_ok=True)
    paths = sysconfig.get_paths()
    found = [path for root in {paths["stdlib"], paths["purelib"], paths["platlib"]} for path in sources(root)]
    with ProcessPoolExecutor() as workers:
        for task in [workers.submit(compile_some, prefix, kept, found[i:i + SOME]) for i in range(0, len(found), SOME)]:
            task.result()


if __name__ == "__main__":
    main(*sys.argv[1:])

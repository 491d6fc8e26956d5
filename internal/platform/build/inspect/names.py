"""Names of distributions and versions of Python."""

import re

NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?=$|[\[;@<>=!~,(\s])")


def canonical(name):
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement):
    """The distribution that a requirement by PEP 508 names; "" where it is a path or an address."""
    found = NAME.match(requirement)
    return found.group(1) if found else ""


def _numbers(version):
    found = re.match(r"\s*v?(\d+(?:\.\d+)*)", version)
    return [int(n) for n in found.group(1).split(".")] if found else None


def _compare(a, b):
    length = max(len(a), len(b))
    a, b = a + [0] * (length - len(a)), b + [0] * (length - len(b))
    return (a > b) - (a < b)


def satisfies(version, specifiers):
    """Whether a final version, such as 3.11.7, fits specifiers by PEP 440. What is not understood fits."""
    have = _numbers(version)
    for clause in specifiers.split(","):
        found = re.match(r"\s*(~=|===?|!=|<=|>=|<|>)\s*(\S+)\s*$", clause)
        want = _numbers(found.group(2)) if found else None
        if not want:
            continue
        op, wild = found.group(1), found.group(2).endswith(".*")
        order = _compare(have[: len(want)], want) if wild else _compare(have, want)
        if op == "~=":
            fits = _compare(have, want) >= 0 and have[: len(want) - 1] == want[:-1]
        elif op in ("==", "==="):
            fits = order == 0
        elif op == "!=":
            fits = order != 0
        else:
            fits = {"<=": order <= 0, ">=": order >= 0, "<": order < 0, ">": order > 0}[op]
        if not fits:
            return False
    return True


def from_poetry(constraint):
    """Turns a version constraint of Poetry into specifiers by PEP 440."""
    out = []
    for clause in re.split(r"\s*,\s*|\s+(?=[<>=!^~])", constraint.strip()):
        clause = re.sub(r"\s+", "", clause)
        numbers = _numbers(clause.lstrip("^~"))
        if clause in ("", "*"):
            continue
        if clause.startswith("^") and numbers:
            at = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
            above = numbers[:at] + [numbers[at] + 1]
            out += [">=" + clause[1:], "<" + ".".join(map(str, above))]
        elif clause.startswith("~") and not clause.startswith("~=") and numbers:
            at = min(1, len(numbers) - 1)
            above = numbers[:at] + [numbers[at] + 1]
            out += [">=" + clause[1:], "<" + ".".join(map(str, above))]
        elif clause[0].isdigit():
            out.append("==" + clause)
        else:
            out.append(clause)
    return ",".join(out)

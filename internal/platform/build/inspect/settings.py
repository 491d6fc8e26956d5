"""The user's settings of pip and uv, as far as they say where packages come from and which ones are taken.

Whatever says where packages go (user, target, prefix, root, python ...) is not among them.
"""

import configparser
import locale
import os
import sys

from tomlfile import load_toml

# Options of 'pip install' that reach an environment, by their long names.
LISTS = ("extra-index-url", "find-links", "trusted-host", "constraint", "build-constraint")
SINGLE = ("index-url", "cert", "client-cert", "proxy", "timeout", "retries", "keyring-provider", "no-binary", "only-binary")
SWITCHES = ("no-index", "pre", "prefer-binary", "require-hashes")
# Those that only pip knows.
PIP_ALONE = ("use-feature", "use-deprecated", "global-option", "config-settings", "no-build-isolation", "uploaded-prior-to", "prefer-binary")
ALLOWED = LISTS + SINGLE + SWITCHES + PIP_ALONE
ALIASES = {"pypi-url": "index-url", "default-timeout": "timeout", "constraints": "constraint"}
DECIDING = ("index-url", "extra-index-url", "no-index", "pre", "no-binary", "only-binary", "require-hashes") + PIP_ALONE


def pip_files(environ):
    """The configuration files that pip reads, in the order in which later ones count."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    home = os.path.expanduser("~")
    if os.name == "nt":
        everyone = [os.path.join(environ.get("PROGRAMDATA", "C:\\ProgramData"), "pip", "pip.ini")]
        user = [os.path.join(home, "pip", "pip.ini"), os.path.join(environ.get("APPDATA", home), "pip", "pip.ini")]
        site = os.path.join(sys.prefix, "pip.ini")
    else:
        site = os.path.join(sys.prefix, "pip.conf")
        xdg = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        user = [os.path.join(home, ".pip", "pip.conf"), os.path.join(xdg, "pip", "pip.conf")]
        if sys.platform == "darwin":
            everyone = ["/Library/Application Support/pip/pip.conf"]
            support = os.path.join(home, "Library", "Application Support", "pip")
            if os.path.isdir(support):
                user[1] = os.path.join(support, "pip.conf")
        else:
            dirs = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
            everyone = [os.path.join(d, "pip", "pip.conf") for d in dirs if d] + ["/etc/pip.conf"]
    if own and os.path.exists(own):
        user = []
    return everyone + user + [site] + ([own] if own else [])


def pip_settings(environ, problem):
    """Returns the allowed options and their values, merged as pip merges them."""
    sections = {"global": {}, "install": {}}
    for path in pip_files(environ):
        if not os.path.isfile(path):
            continue
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding=locale.getpreferredencoding(False))
        except (configparser.Error, UnicodeDecodeError) as e:
            raise problem("%s cannot be read: %s" % (path, " ".join(str(e).split())), "correct it; pip does not read it either")
        for section, found in sections.items():
            if parser.has_section(section):
                found.update((normal(k), v) for k, v in parser.items(section))
    variables = {normal(k[4:]): v for k, v in environ.items() if k.startswith("PIP_")}
    settings = {}
    for found in (sections["global"], sections["install"], variables):
        settings.update((ALIASES.get(k, k), v) for k, v in found.items() if v)  # an empty one does not count
    settings = {k: v.strip() for k, v in settings.items() if k in ALLOWED}
    for name in SWITCHES:
        if settings.get(name, "").lower() in ("n", "no", "f", "false", "off", "0"):
            del settings[name]
    return settings


def normal(name):
    name = name.lower().replace("_", "-")
    return name[2:] if name.startswith("--") else name


def uv_tables(environ, project):
    """The tables of settings that uv would find, those that count first in front."""
    if environ.get("UV_NO_CONFIG"):
        return []
    paths = [os.path.join(project, "uv.toml"), os.path.join(project, "pyproject.toml")]
    if environ.get("UV_CONFIG_FILE"):
        paths = [environ["UV_CONFIG_FILE"]]
    elif os.name == "nt":
        paths += [os.path.join(environ.get(v, ""), "uv", "uv.toml") for v in ("APPDATA", "PROGRAMDATA")]
    else:
        home = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
        dirs = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
        paths += [os.path.join(d, "uv", "uv.toml") for d in [home] + dirs if d] + ["/etc/uv/uv.toml"]
    tables = []
    for path in paths:
        if not os.path.isfile(path):
            continue
        try:
            table = load_toml(path)
        except Exception:  # noqa: BLE001 - a setting that cannot be read is none; uv is told to read no file itself
            continue
        if path.endswith("pyproject.toml"):
            table = table.get("tool", {}).get("uv", {})
        tables.append(table)
    return tables


def with_uv(settings, environ, project):
    """Adds what the user has set for uv alone, so that both installers look in the same places."""
    default, extra, links, hosts, system = None, [], [], [], False
    tables = [{
        "index-url": environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL"),
        "extra-index-url": (environ.get("UV_INDEX", "") + " " + environ.get("UV_EXTRA_INDEX_URL", "")).split(),
        "find-links": [v for v in environ.get("UV_FIND_LINKS", "").split(",") if v],
        "allow-insecure-host": environ.get("UV_INSECURE_HOST", "").replace(",", " ").split(),
        "system-certs": bool(environ.get("UV_SYSTEM_CERTS") or environ.get("UV_NATIVE_TLS")),
    }] + uv_tables(environ, project)
    for whole in tables:
        for table in (whole, whole.get("pip", {})):
            for index in table.get("index", []):
                url = with_login(index.get("url", ""), index.get("name", ""), environ)
                if index.get("explicit") or not url:
                    continue
                if index.get("default"):
                    default = default or url
                else:
                    extra.append(url)
            default = default or named(table.get("index-url"), environ)
            extra += [named(u, environ) for u in table.get("extra-index-url", [])]
            links += table.get("find-links", [])
            hosts += table.get("allow-insecure-host", [])
            system = system or bool(table.get("system-certs") or table.get("native-tls"))
    merged = dict(settings)
    if default and "index-url" not in merged:
        merged["index-url"] = default
    for name, values in (("extra-index-url", extra), ("find-links", links), ("trusted-host", hosts)):
        together = merged.get(name, "").split()
        together += [v for v in values if v and v not in together]
        if together:
            merged[name] = " ".join(together)
    if system:
        merged["system-certs"] = "1"
    return merged


def named(url, environ):
    """The address of an index given as NAME=URL or URL."""
    if not url:
        return None
    name, equals, rest = url.partition("=")
    if equals and "/" not in name:
        return with_login(rest, name, environ)
    return url


def with_login(url, name, environ):
    """The address with the login that variables hold for an index of that name."""
    prefix = "UV_INDEX_" + "".join(c if c.isalnum() else "_" for c in name).upper()
    user, password = environ.get(prefix + "_USERNAME"), environ.get(prefix + "_PASSWORD")
    scheme, separator, rest = url.partition("://")
    if not (name and separator and (user or password)) or "@" in rest.partition("/")[0]:
        return url
    from urllib.parse import quote

    login = quote(user or "", safe="") + (":" + quote(password, safe="") if password else "")
    return scheme + separator + login + "@" + rest

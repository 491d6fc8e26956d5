# Started by ploomber-cloud in place of the app's own server start. It finds what is to be served when the app's
# modules are loaded, which is surer than what can be read in their source.
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import types


ENTRY = "ploomber_cloud_entry"  # name of a module whose file has a name that cannot be imported


class NoApplication(Exception):
    """The module has nothing that can be served."""


def run(function, *args):
    """Call function; an error of the app is shown without the lines of those who loaded it, and ends the program."""
    try:
        return function(*args)
    except NoApplication as error:
        print(f"NoApplication: {error}", file=sys.stderr, flush=True)
    except Exception as error:
        frames = error.__traceback__
        while frames and is_ours(frames.tb_frame.f_code.co_filename):
            frames = frames.tb_next
        if frames is None:  # nothing of the app was reached: the head is what tells an error from the app's output
            print("Traceback (most recent call last):", file=sys.stderr)
        traceback.print_exception(type(error), error, frames)
        sys.stderr.flush()
    raise SystemExit(3)


def is_ours(file):
    return file == __file__ or "importlib" in file or "runpy" in file


def load(entry):
    """Import the file of the project as Python would import it from the file's folder."""
    here = os.getcwd()
    path = os.path.join(here, *entry.split("/"))
    folder, file = os.path.split(path)
    name = os.path.splitext(file)[0]
    parts = [] if name == "__init__" else [name]
    # A folder of the project with an __init__.py is a package, and modules in it may import relatively.
    while folder != here and os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    for where in (here, folder):
        if where in sys.path:
            sys.path.remove(where)
        sys.path.insert(0, where)
    if ENTRY in sys.modules:
        return sys.modules[ENTRY]
    if all(part.isidentifier() for part in parts):
        module = ".".join(parts)
        top = sys.modules.get(parts[0])
        if top is None or getattr(top, "__file__", None) and os.path.dirname(os.path.abspath(top.__file__)).startswith(here):
            return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(ENTRY, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Values are judged by their type alone. Asking the value itself, as isinstance and hasattr do, raises where it stands for
# something that is there during a request only, such as flask.request and flask.current_app.
def classes(value):
    return {c.__name__ for c in type(value).__mro__}


def is_dash(value):
    return "Dash" in classes(value) and hasattr(value, "server")


def is_flask(value):
    return hasattr(type(value), "wsgi_app")


def is_function(value):
    return issubclass(type(value), types.FunctionType)


def is_asgi(value):
    if issubclass(type(value), (type, types.ModuleType)):
        return False
    call = value if is_function(value) else getattr(type(value), "__call__", None)
    return inspect.iscoroutinefunction(call) and takes(call, 3 if is_function(value) else 4)


def is_wsgi(value):
    if issubclass(type(value), (type, types.ModuleType)) or is_asgi(value):
        return False
    if is_dash(value) or is_flask(value):
        return True
    if is_function(value):
        return takes(value, 2)
    return callable(value) and takes(type(value).__call__, 3)


def takes(function, count):
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


FACTORIES = ("create_app", "make_app", "build_app", "get_app", "create_application", "make_application", "app_factory",
             "create_server", "create_dash_app", "create_api")


def find(entry, name, fits, names, sure, kind):
    """Return what is to be served: the named one, a usual name, the only one that is surely an app, or a factory's."""
    module = load(entry)
    if name:
        value = module
        for part in name.removesuffix("()").split("."):
            value = getattr(value, part, None)
        if value is None:
            raise NoApplication(f"{entry} has no {name}")
        return value if fits(value) else made(value, entry, name, fits, kind)
    for usual in names:
        if fits(getattr(module, usual, None)):
            return getattr(module, usual)
    all_of_it = {id(v): v for v in vars(module).values() if fits(v) and sure(v)}
    if len(all_of_it) == 1:
        return next(iter(all_of_it.values()))
    if all_of_it:
        found = ", ".join(sorted(n for n, v in vars(module).items() if id(v) in all_of_it))
        raise NoApplication(f"{entry} has several applications ({found}); name one with --entry {entry}:NAME")
    for factory in FACTORIES:
        if is_function(getattr(module, factory, None)):
            return made(getattr(module, factory), entry, factory, fits, kind)
    raise NoApplication(f"no {kind} application in {entry}; name it with --entry {entry}:NAME")


def made(factory, entry, name, fits, kind):
    if not callable(factory) or not takes(factory, 0):
        raise NoApplication(f"{name} of {entry} is neither a {kind} application nor a function that creates one without arguments")
    value = factory()
    if not fits(value):
        raise NoApplication(f"{name}() of {entry} returns no {kind} application")
    return value


def wsgi(entry, name):
    value = find(entry, name, is_wsgi, ("server", "application", "app", "wsgi", "api"),
                 lambda v: is_dash(v) or is_flask(v), "WSGI")
    dash = value if is_dash(value) else behind(value, entry)
    if dash is None:
        return value
    tell(dash)
    return unprefixed(dash.server, dash)


def behind(server, entry):
    """Return the Dash app of the module whose server this is, or None."""
    return next((v for v in vars(load(entry)).values() if is_dash(v) and v.server is server), None)


def tell(dash):
    """Tell the supervisor below which path a Dash app serves."""
    base = dash.config.get("requests_pathname_prefix") or "/"
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "base"), "w", encoding="utf-8") as file:
        file.write(base)


def unprefixed(server, dash):
    """Do what a proxy in front of a deployed app would: take off the prefix that only browsers see."""
    requests = dash.config.get("requests_pathname_prefix") or "/"
    routes = dash.config.get("routes_pathname_prefix") or "/"
    if requests == routes or not requests.endswith(routes):
        return server
    prefix = requests[: len(requests) - len(routes)]

    def application(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith(prefix + "/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
            environ["PATH_INFO"] = path[len(prefix):]
        return server(environ, start_response)

    return application


def asgi(entry, name):
    return find(entry, name, is_asgi, ("app", "application", "api", "asgi", "server", "main_app"), lambda v: True, "ASGI")


def gradio(entry, name, port):
    """Run the script; whatever it passes to launch(), the app listens on this machine and no tunnel is opened."""
    import runpy

    import gradio as framework

    blocks = framework.Blocks
    launch, taken = blocks.launch, []

    def ours(self, *args, **kwargs):
        bound = inspect.signature(launch).bind(self, *args, **kwargs)
        values = {"server_name": "127.0.0.1", "server_port": None if taken else int(port), "share": False, "inline": False,
                  "inbrowser": False, "root_path": "", "ssl_keyfile": None, "ssl_certfile": None,
                  "ssl_keyfile_password": None, "quiet": True}
        known = inspect.signature(launch).parameters
        bound.arguments.update((k, v) for k, v in values.items() if k in known)
        taken.append(self)
        return launch(*bound.args, **bound.kwargs)

    blocks.launch = ours
    here = os.getcwd()
    path = os.path.join(here, *entry.split("/"))
    for where in (here, os.path.dirname(path)):
        if where in sys.path:
            sys.path.remove(where)
        sys.path.insert(0, where)
    sys.argv = [path]
    after = runpy.run_path(path, run_name="__main__")
    if taken:
        return
    found = [after[n] for n in (name, "demo", "app", "iface", "interface", "ui") if issubclass(type(after.get(n)), blocks)]
    found = found or [v for v in after.values() if issubclass(type(v), blocks)]
    if not found:
        raise NoApplication(f"{entry} does not create or launch a Gradio app at its top level")
    found[0].launch()


def voila():
    """Voila starts without a kernel and then answers every page with an error."""
    import ipykernel  # noqa: F401
    from voila.app import main

    main()

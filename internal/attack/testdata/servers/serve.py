"""Answer every request, and every WebSocket, with all that the named server shows an app of its headers.

    python serve.py wsgiref|werkzeug|waitress|gunicorn|uvicorn|tornado

The port that was free is printed. The answer is JSON: a list of [name, value].
"""

import json
import os
import socket
import sys


def listen():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    return s


def ready(port):
    print(port, flush=True)


def wsgi(environ, start_response):
    seen = [[k, v] for k, v in environ.items() if isinstance(v, str) and k not in os.environ]
    start_response("200 OK", [("Content-Type", "application/json"), ("X-App", "yes")])
    return [json.dumps(seen).encode()]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    seen = json.dumps([[k.decode("latin-1"), v.decode("latin-1")] for k, v in scope["headers"]])
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": seen})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"x-app", b"yes")]})
    await send({"type": "http.response.body", "body": seen.encode()})


def wsgiref():
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = make_server("127.0.0.1", 0, wsgi, handler_class=Quiet)
    ready(server.server_port)
    server.serve_forever()


def werkzeug():
    import logging

    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").disabled = True
    server = make_server("127.0.0.1", 0, wsgi, threaded=True)
    ready(server.port)
    server.serve_forever()


def waitress():
    from waitress import create_server

    server = create_server(wsgi, host="127.0.0.1", port=0)
    ready(server.effective_port)
    server.run()


def gunicorn():
    from gunicorn.app.base import BaseApplication

    s = listen()
    port = s.getsockname()[1]

    class App(BaseApplication):
        def load_config(self):
            self.cfg.set("bind", "fd://%d" % s.fileno())
            self.cfg.set("loglevel", "critical")
            self.cfg.set("when_ready", lambda server: ready(port))

        def load(self):
            return wsgi

    sys.argv = sys.argv[:1]
    App().run()


def uvicorn():
    from uvicorn import Config, Server

    s = listen()
    ready(s.getsockname()[1])
    Server(Config(asgi, log_level="critical")).run(sockets=[s])


def tornado():
    import asyncio

    from tornado.web import Application, RequestHandler
    from tornado.websocket import WebSocketHandler

    def seen(request):
        return json.dumps([[k, v] for k, v in request.headers.get_all()])

    class Page(RequestHandler):
        def get(self):
            self.set_header("X-App", "yes")
            self.write(seen(self.request))

    class Socket(WebSocketHandler):
        def open(self):
            self.write_message(seen(self.request))
            self.close()

    async def main():
        s = listen()
        s.setblocking(False)
        from tornado.httpserver import HTTPServer

        HTTPServer(Application([("/ws", Socket), ("/.*", Page)])).add_socket(s)
        ready(s.getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(main())


{f.__name__: f for f in (wsgiref, werkzeug, waitress, gunicorn, uvicorn, tornado)}[sys.argv[1]]()

"""``python -m issuance_api --port 0``: serve all configured municipalities; the port is written to the state folder."""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import socket
import sys
from pathlib import Path

import uvicorn

from issuance_api.app import RENDERERS, Settings, create_app
from issuance_api.jpki.settings import site_settings
from issuance_api.koseki.configured import ConfiguredKoseki
from issuance_api.logs import JsonFormatter
from municipalities.registry import all_codes, get
from municipalities.site import home

ADDRESS_FILE = "issuance_api.json"
BACKLOG = 512
GRACE_SECONDS = 40  # longer than a request's deadline: what was accepted is finished


def main() -> None:
    """Parse, bind, say where, serve; exit code 1 when this host may serve no municipality."""
    options = _options()
    node = f"{options.name}-{secrets.token_hex(4)}"
    log_as_json(node)
    listeners = [listen(options.host, options.port)]
    if options.own_port is not None:
        listeners.append(listen(options.host, options.own_port))
    host, port = listeners[0].getsockname()[:2]
    if not options.no_address_file:
        write_address(home() / ADDRESS_FILE, host, port)
    print(f"issuance_api listens on http://{host}:{port}", flush=True)
    server = _server(options, node)
    server.run(sockets=listeners)
    if not server.started:
        sys.exit(1)


def _server(options: argparse.Namespace, node: str) -> uvicorn.Server:
    """The server; a node that finds itself outdated ends it, and whatever it has accepted is finished first."""
    codes = options.municipalities.split(",") if options.municipalities else all_codes()
    settings = Settings(
        tuple(get(code) for code in codes),
        koseki={code: ConfiguredKoseki(code) for code in codes},
        jpki=site_settings(),
        renderers=options.renderers,
        always_open=options.always_open,
        node=node,
        retire=lambda: setattr(server, "should_exit", True),
    )
    if options.always_open:
        logging.getLogger("issuance_api").warning("service hours are off: this is a demonstration")
    config = uvicorn.Config(
        create_app(settings), access_log=False, log_config=None, timeout_graceful_shutdown=GRACE_SECONDS
    )
    server = uvicorn.Server(config)
    return server


def log_as_json(node: str) -> None:
    """One JSON object a line on the error output."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(node))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="issuance_api", description="Serves the issuing of certificates.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--own-port", type=int, help="also listen here: the address of this node alone")
    parser.add_argument("--name", default="node", help="stands in the rows that this process works on, and in its logs")
    parser.add_argument("--municipalities", default="", help="codes, comma separated (default: all)")
    parser.add_argument("--renderers", type=int, default=RENDERERS, help="processes that draw, each for one request")
    parser.add_argument("--always-open", action="store_true", help="demonstrations only: issue outside service hours")
    parser.add_argument("--no-address-file", action="store_true", help="do not write issuance_api.json")
    return parser.parse_args()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Several processes may share one port: the kernel spreads connections over them."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    return listener


def write_address(path: Path, host: str, port: int) -> None:
    """Where the API listens, for the kiosk and for status; replaced atomically."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"host": host, "port": port, "pid": os.getpid()}), "utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    main()

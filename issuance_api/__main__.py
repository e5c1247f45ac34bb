"""``python -m issuance_api --port 0``: serve all configured municipalities; the port is written to the state folder."""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import sys
from pathlib import Path

import uvicorn

from issuance_api.app import RENDER_THREADS, Settings, create_app
from municipalities.registry import all_codes, get
from municipalities.site import home

ADDRESS_FILE = "issuance_api.json"
BACKLOG = 512
GRACE_SECONDS = 40  # longer than a request's deadline: what was accepted is finished


def main() -> None:
    """Parse, bind, say where, serve."""
    options = _options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    listener = listen(options.host, options.port)
    host, port = listener.getsockname()[:2]
    codes = options.municipalities.split(",") if options.municipalities else all_codes()
    municipalities = tuple(get(code) for code in codes)
    settings = Settings(municipalities, render_threads=options.render_threads, always_open=options.always_open)
    app = create_app(settings)
    if options.always_open:
        logging.getLogger("issuance_api").warning("service hours are off: this is a demonstration")
    if not options.no_address_file:
        write_address(home() / ADDRESS_FILE, host, port)
    print(f"issuance_api listens on http://{host}:{port}", flush=True)
    config = uvicorn.Config(app, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="issuance_api", description="Serves the issuing of certificates.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--municipalities", default="", help="codes, comma separated (default: all)")
    parser.add_argument("--render-threads", type=int, default=RENDER_THREADS)
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

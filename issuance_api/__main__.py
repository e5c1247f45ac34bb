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

from issuance_api.app import RENDERERS, Settings
from issuance_api.centre.settings import site_settings as centre_settings
from issuance_api.jpki.settings import site_settings
from issuance_api.koseki.configured import ConfiguredKoseki
from issuance_api.logs import JsonFormatter
from issuance_api.memory import leave_nothing_behind
from issuance_api.serving import Centre, Process
from municipalities.registry import all_codes, get
from municipalities.site import home
from records.errors import ConfigurationError, Place

ADDRESS_FILE = "issuance_api.json"
BACKLOG = 512


def main() -> None:
    """Parse, bind, say where, serve; exit code 1 when this host may serve no municipality."""
    options = _options()
    leave_nothing_behind()
    node = f"{options.name}-{secrets.token_hex(4)}"
    log_as_json(node)
    ports = [options.port] if options.own_port is None else [options.port, options.own_port]
    listeners = [listen(options.host, port) for port in ports]
    try:
        process = Process(_settings(options, node), listeners, centre := _centre(options))
        _announce(options, listeners[0], centre)
        process.run()
    except ConfigurationError as error:
        logging.getLogger("issuance_api").error("%s", error)
        sys.exit(1)


def _settings(options: argparse.Namespace, node: str) -> Settings:
    codes = options.municipalities.split(",") if options.municipalities else all_codes()
    if options.always_open:
        logging.getLogger("issuance_api").warning("service hours are off: this is a demonstration")
    return Settings(
        tuple(get(code) for code in codes),
        koseki={code: ConfiguredKoseki(code) for code in codes},
        jpki=site_settings(),
        renderers=options.renderers,
        always_open=options.always_open,
        node=node,
    )


def _centre(options: argparse.Namespace) -> Centre | None:
    """The centre's interface, where the site has one."""
    settings = centre_settings()
    if settings is None:
        if options.centre_port is not None:
            raise ConfigurationError("a port for the centre, but no table [centre]", Place("site.toml"))
        return None
    port = settings.port if options.centre_port is None else options.centre_port
    if port is None:
        logging.getLogger("issuance_api").warning("[centre] has no port: nothing listens for the centre")
        return None
    return Centre(settings, [listen(options.host, port)])


def _announce(options: argparse.Namespace, listener: socket.socket, centre: Centre | None) -> None:
    host, port = listener.getsockname()[:2]
    centre_port = centre.sockets[0].getsockname()[1] if centre else None
    if not options.no_address_file:
        write_address(home() / ADDRESS_FILE, host, port, centre_port)
    print(f"issuance_api listens on http://{host}:{port}", flush=True)
    if centre_port:
        print(f"issuance_api listens for the centre on https://{host}:{centre_port}", flush=True)


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
    parser.add_argument(
        "--centre-port", type=int, help="listen for the certificate centre here (default: as [centre] says)"
    )
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


def write_address(path: Path, host: str, port: int, centre_port: int | None = None) -> None:
    """Where the API and the centre's interface listen, for kiosk and status; replaced atomically."""
    part = path.with_suffix(f".{os.getpid()}.part")
    where = {"host": host, "port": port, "centre_port": centre_port, "pid": os.getpid()}
    part.write_text(json.dumps(where), "utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    main()

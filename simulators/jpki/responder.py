"""OCSP responder and list server of the test CA on loopback (失効情報の応答), with troubles on demand.

Plain HTTP, because the answers themselves are signed. A thread of its own; ``close`` ends it.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulators.jpki.ca import Part, PrivateKey, Profile, TestAuthority, VirtualCard

TROUBLES = (
    *("none", "down", "slow", "stale", "future", "replay", "no_nonce", "wrong_signer", "wrong_delegate", "delegate"),
    *("stranger_delegate", "expired_delegate", "older"),
    *("other_serial", "unknown", "huge", "garbage", "redirect", "try_later"),
)
SLOW_SECONDS = 5.0
HUGE_BYTES = 16 << 20
DAY, MINUTES = timedelta(days=1), timedelta(minutes=10)
AGES = {"stale": -2 * DAY, "future": DAY, "older": -timedelta(hours=2)}
FOUND = 302


class Responder:
    """One server; ``stranger`` is a CA of the same name that forges answers; ``ocsp_trouble`` and ``crl_trouble`` are of
    ``TROUBLES``; ``asked`` names the questions so far; ``parts`` are the parts of a split list by where they are."""

    def __init__(self, authority: TestAuthority, stranger: TestAuthority) -> None:
        self.authority, self._stranger = authority, stranger
        self.ocsp_trouble = self.crl_trouble = "none"
        self.revoked: set[int] = set()
        self.asked: list[str] = []
        self.parts: dict[str, Part] = {}
        self._recorded: dict[str, bytes] = {}
        self._closing = threading.Event()
        answering = Profile(extended_use=ExtendedKeyUsageOID.OCSP_SIGNING)
        self._signers: dict[str, VirtualCard | TestAuthority] = {
            "delegate": authority.issue(answering),
            "wrong_delegate": authority.issue(),
            "stranger_delegate": stranger.issue(answering),
            "expired_delegate": authority.issue(replace(answering, not_after=-DAY)),
            "wrong_signer": stranger,
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def url(self, what: str) -> str:
        """Where ``ocsp``, ``crl`` or a part is answered."""
        return f"http://127.0.0.1:{self._server.server_port}/{what}"

    def close(self) -> None:
        """Stop serving."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, what: str, body: bytes) -> tuple[int, bytes]:
        """Status and body for one question."""
        self.asked.append(what)
        trouble = self.ocsp_trouble if what == "ocsp" else self.crl_trouble
        fixed = {"down": (503, b""), "redirect": (FOUND, b""), "garbage": (200, b"<html>")}
        if trouble == "slow":
            self._closing.wait(SLOW_SECONDS)
        if trouble in fixed:
            return fixed[trouble]
        if trouble == "huge":
            return 200, bytes(HUGE_BYTES)
        if trouble == "replay":
            return 200, self._recorded[what]
        self._recorded[what] = self._ocsp(body, trouble) if what == "ocsp" else self._list(what, trouble)
        return 200, self._recorded[what]

    def _list(self, what: str, trouble: str) -> bytes:
        issued = self.authority.now + AGES.get(trouble, -MINUTES)
        signer = self._stranger.key if trouble == "wrong_signer" else None
        part = self.parts.get(what)
        return self.authority.revocation_list(tuple(self.revoked), issued=issued, signer=signer, part=part)

    def _ocsp(self, body: bytes, trouble: str) -> bytes:
        if trouble == "try_later":
            later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
            return later.public_bytes(Encoding.DER)
        request = ocsp.load_der_ocsp_request(body)
        certificate, key = self._signer(trouble)
        builder = self._single(request, trouble).responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        if certificate != self.authority.certificate:
            builder = builder.certificates([certificate])
        if trouble != "no_nonce":
            nonce = request.extensions.get_extension_for_class(x509.OCSPNonce).value
            builder = builder.add_extension(nonce, critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _single(self, request: ocsp.OCSPRequest, trouble: str) -> ocsp.OCSPResponseBuilder:
        revoked = request.serial_number in self.revoked
        status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        begin = self.authority.now + AGES.get(trouble, -MINUTES)
        return ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=request.issuer_name_hash,
            issuer_key_hash=request.issuer_key_hash,
            serial_number=request.serial_number + (trouble == "other_serial"),
            algorithm=request.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.UNKNOWN if trouble == "unknown" else status,
            this_update=begin,
            next_update=begin + DAY,
            revocation_time=begin if revoked and trouble != "unknown" else None,
            revocation_reason=None,
        )

    def _signer(self, trouble: str) -> tuple[x509.Certificate, PrivateKey]:
        """``wrong_delegate`` is a card of the same CA, not certified for answering."""
        chosen = self._signers.get(trouble, self.authority)
        return chosen.certificate, chosen.key


def _handler(responder: Responder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer("ocsp", self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_GET(self) -> None:
            self._answer(self.path.strip("/"), b"")

        def _answer(self, what: str, body: bytes) -> None:
            status, made = responder.answer(what, body)
            try:
                self.send_response(status)
                if status == FOUND:
                    self.send_header("Location", "/crl")
                self.send_header("Content-Length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)
            except ConnectionError:
                self.close_connection = True  # the client had enough of it

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests read ``asked``."""

    return Handler

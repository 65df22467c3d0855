"""Certificates: those of the system count, or one of the endpoint's own, or none where that is switched off."""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from judging.foundation.answers import Fault
from tests.engines.asking_calls import answer_of, config, failure_of


class _Empty(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"total": 0, "results": []}')

    def log_message(self, *_: object) -> None:
        pass


class _QuietServer(HTTPServer):
    def handle_error(self, *_: object) -> None:
        """A caller that refuses the certificate is no news."""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server whose certificate nobody knows: its address, and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "search.test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    no_password = serialization.NoEncryption()
    file.write_bytes(
        pem + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with _QuietServer(("127.0.0.1", 0), _Empty) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}", pem.decode()
        server.shutdown()
        thread.join(60)


def test_a_certificate_that_nobody_vouches_for_is_refused(secured: tuple[str, str]) -> None:
    failure = failure_of(config(secured[0]))

    assert (failure.code, failure.fault) == ("connection", Fault.RUN)
    assert "certificate is not trusted" in failure.message


def test_a_certificate_of_the_endpoint_is_trusted(secured: tuple[str, str]) -> None:
    assert answer_of(config(secured[0], ca_certificate=secured[1])).total == 0


def test_checks_can_be_switched_off_for_one_endpoint(secured: tuple[str, str]) -> None:
    assert answer_of(config(secured[0], tls_verify=False)).total == 0
    assert failure_of(config(secured[0])).code == "connection"


def test_a_certificate_that_is_none_is_told(secured: tuple[str, str]) -> None:
    failure = failure_of(config(secured[0], ca_certificate="nonsense"))

    assert (failure.code, failure.fault) == ("connection", Fault.RUN)
    assert "CA certificate" in failure.message

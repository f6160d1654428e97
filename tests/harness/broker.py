"""A real Mosquitto of a test's own: TLS, a password for each edge, and an access list."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.harness.processes import free_port

CLOUD_USER, CLOUD_PASSWORD = "cloud", "the-cloud-s-own-password-at-the-broker"

ACCESS = f"""
user {CLOUD_USER}
topic read gardu/v1/+/up/+
topic write gardu/v1/+/down/+

pattern write gardu/v1/%u/up/+
pattern read gardu/v1/%u/down/+
"""


def require_mosquitto() -> str:
    """Find the program; where `CI=true` its absence is a failure."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed: the tests of MQTT are left out")
    return program


@dataclass
class Broker:
    """It keeps nothing on disk: a restart is a wipe."""

    folder: Path
    program: str
    edges: dict[str, str]
    port: int = field(default_factory=free_port)
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.ca.exists():
            _certify(self.folder)
            self._configure()
        with (self.folder / "mosquitto.log").open("ab") as log:
            command = [self.program, "-c", str(self.folder / "mosquitto.conf")]
            self.child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self.child.poll() is None, (self.folder / "mosquitto.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def url(self) -> str:
        return f"mqtts://127.0.0.1:{self.port}"

    @property
    def cloud_settings(self) -> dict[str, str]:
        return {
            "GARDU_CLOUD_MQTT_URL": self.url,
            "GARDU_CLOUD_MQTT_USERNAME": CLOUD_USER,
            "GARDU_CLOUD_MQTT_PASSWORD": CLOUD_PASSWORD,
            "GARDU_CLOUD_MQTT_CA": str(self.ca),
        }

    def _configure(self) -> None:
        passwords = self.folder / "passwords"
        for number, (user, password) in enumerate({CLOUD_USER: CLOUD_PASSWORD, **self.edges}.items()):
            create = ["-c"] if number == 0 else []
            subprocess.run(["mosquitto_passwd", *create, "-b", str(passwords), user, password], check=True)
        (self.folder / "access").write_text(ACCESS)
        for file in (passwords, self.folder / "access", self.folder / "server.key"):
            file.chmod(0o600)
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\n"
            f"user root\n"
            f"cafile {self.ca}\ncertfile {self.folder}/server.pem\nkeyfile {self.folder}/server.key\n"
            f"allow_anonymous false\npassword_file {passwords}\nacl_file {self.folder}/access\n"
            f"persistence false\nmax_inflight_messages 64\n"
        )


def _certify(folder: Path) -> None:
    now = datetime.now(UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker test authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    authority = (
        x509.CertificateBuilder(ca_name, ca_name, ca_key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    certificate = (
        x509.CertificateBuilder(ca_name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

"""A certificate of one's own, so that a phone's browser lets the page have its camera and microphone."""

from __future__ import annotations

import ipaddress
import os
import socket
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gar_ssl_ros.errors import UserError, sentence

VALID = timedelta(days=365)
RENEW = timedelta(days=7)  # before its end


class CertificateError(UserError):
    """Why there is none: one sentence."""


def certificate(host: str, folder: Path | None = None) -> tuple[Path, Path]:
    """Files of a self-signed certificate for that address and this machine's names, and of its key, made where missing.

    folder: of both; by default the user's own (XDG Base Directory). Kept, so that a browser which was told to trust it
    need not be told again. Raises CertificateError where they cannot be written.
    """
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    folder = folder or data / "gar_ssl_ros"
    chain, key = folder / "live_certificate.pem", folder / "live_key.pem"
    names = _names(host)
    if _serves(chain, key, names):
        return chain, key
    private = ec.generate_private_key(ec.SECP256R1())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        key.unlink(missing_ok=True)
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private.private_bytes(*form))
        chain.write_bytes(_signed(private, names).public_bytes(serialization.Encoding.PEM))
    except OSError as problem:
        raise CertificateError(f"the certificate cannot be kept: {sentence(problem)}") from None
    return chain, key


def _names(host: str) -> list[str]:
    """Those by which this machine may be asked for, the first one its own."""
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), f"{socket.gethostname()}.local", host]
    with suppress(OSError):
        names += [str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)]
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nothing is sent, but the address to send from is known
        names.append(str(probe.getsockname()[0]))
    return list(dict.fromkeys(name.partition("%")[0] for name in names if name not in ("", "0.0.0.0", "::")))


def _serves(chain: Path, key: Path, names: list[str]) -> bool:
    """True if there is one with these names that is valid for a while."""
    try:
        found = x509.load_pem_x509_certificate(chain.read_bytes())
        told = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    fits = private.public_key() == found.public_key() and set(_alternatives(names)) <= set(told)
    return fits and found.not_valid_after_utc > datetime.now(timezone.utc) + RENEW


def _signed(private: ec.EllipticCurvePrivateKey, names: list[str]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gar-ssl live")])
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )


def _alternatives(names: list[str]) -> list[x509.GeneralName]:
    told: list[x509.GeneralName] = []
    for name in names:
        try:
            told.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            with suppress(ValueError):  # no name that a certificate can have
                told.append(x509.DNSName(name))
    return told

"""Who may look: this machine alone, or whoever has the token."""

from __future__ import annotations

import stat

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.page.access import COOKIE, Access, is_loopback
from gar_ssl_ros.page.certificate import CertificateError, certificate

LOCAL = {"host": "127.0.0.1:8230", "origin": "http://127.0.0.1:8230"}
AWAY = {"host": "robot.local:8230", "origin": "http://robot.local:8230"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_this_machine_alone_needs_no_token(host):
    assert is_loopback(host)
    assert Access(host).refusal(LOCAL, page=True) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "robot.local", "", "::", "127.0.0.1.evil.example"])
def test_any_other_address_needs_one(host):
    access = Access(host)
    assert "token" in access.refusal(AWAY, page=True)
    assert "token" in access.refusal(AWAY, "wrong", page=True)
    assert access.refusal(AWAY, access.token, page=True) == ""


def test_a_cookie_stands_for_the_token_afterwards():
    access = Access("0.0.0.0")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(access.cookie.split("; "))
    assert "Secure" not in access.cookie
    assert "Secure" in Access("0.0.0.0", secure=True).cookie
    assert access.refusal({**AWAY, "cookie": access.cookie.partition(";")[0]}) == ""
    assert access.refusal({**AWAY, "cookie": f"{COOKIE}={Access('0.0.0.0').token}"}) != ""


def test_each_start_has_a_token_of_its_own_and_does_not_print_it():
    assert Access("0.0.0.0").token != Access("0.0.0.0").token
    assert Access("0.0.0.0").token not in repr(Access("0.0.0.0"))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8230"},  # its DNS leads here
        {"host": "evil.example:8230", "origin": "http://evil.example:8230"},
        {"host": "127.0.0.1:8230", "origin": "http://evil.example"},
        {"host": "127.0.0.1:8230", "origin": "http://127.0.0.1:9999"},
        {"host": "127.0.0.1:8230", "origin": "null"},
        {},
    ],
)
def test_pages_of_others_are_refused(headers):
    assert Access().refusal(headers, page=True) != ""


def test_a_websocket_without_an_origin_is_refused_and_a_program_that_gets_a_picture_is_not():
    assert Access().refusal({"host": "127.0.0.1:8230"}, page=True) != ""
    assert Access().refusal({"host": "127.0.0.1:8230"}) == ""


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_whatever_headers_say_is_refused_and_breaks_nothing(host, origin, cookie, token):
    assert Access("0.0.0.0").refusal({"host": host, "origin": origin, "cookie": cookie}, token, page=True) != ""


def test_a_certificate_is_made_once_and_its_key_is_its_owners(tmp_path):
    chain, key = certificate("192.0.2.7", tmp_path / "new")
    found = x509.load_pem_x509_certificate(chain.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"127.0.0.1", "192.0.2.7"} <= {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = chain.read_bytes()
    assert certificate("192.0.2.7", tmp_path / "new") == (chain, key)
    assert chain.read_bytes() == before
    certificate("192.0.2.8", tmp_path / "new")  # another address than it is for
    assert chain.read_bytes() != before


def test_a_damaged_certificate_is_made_anew(tmp_path):
    _, key = certificate("localhost", tmp_path)
    key.write_text("nothing")
    certificate("localhost", tmp_path)
    assert b"PRIVATE KEY" in key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_where_a_certificate_cannot_be_kept_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="certificate cannot be kept"):
        certificate("localhost", tmp_path / "file")

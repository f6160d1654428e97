from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from edge.domain.certificates import Issuer, UnfitRequestError, check_request, hash_data, make_root

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def issuer() -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    return Issuer(make_root("north", 1, key, 7, NOW), key)


def csr(name: str | None, *, weak: bool = False) -> str:
    key = ec.generate_private_key(ec.SECP192R1() if weak else ec.SECP256R1())
    attributes = [] if name is None else [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def test_a_root_signs_certificates_and_nothing_below_it_does() -> None:
    root = issuer().root
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert root.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert root.not_valid_before_utc < NOW
    assert root.not_valid_after_utc > NOW + timedelta(days=20 * 365)


def test_a_server_certificate_has_the_first_name_as_its_cn_and_all_as_alternatives() -> None:
    authority = issuer()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.server(["edge.example", "gardu.local"], key, 8, NOW)
    certificate.verify_directly_issued_by(authority.root)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert name.value == "edge.example"
    assert alternatives.get_values_for_type(x509.DNSName) == ["edge.example", "gardu.local"]


def test_no_certificate_outlives_its_root() -> None:
    authority = issuer()
    late = authority.root.not_valid_after_utc - timedelta(days=30)
    certificate = authority.server(["edge.example"], ec.generate_private_key(ec.SECP256R1()), 8, late)
    assert certificate.not_valid_after_utc == authority.root.not_valid_after_utc


def test_a_client_certificate_takes_over_name_and_key_and_may_not_sign_others() -> None:
    authority = issuer()
    request = check_request(csr("SN-1"), {"SN-1"})
    certificate = authority.client(request, 9, NOW)
    certificate.verify_directly_issued_by(authority.root)
    assert certificate.subject == request.subject
    assert certificate.public_key() == request.public_key()
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("name", ["SN-2", "sn-1", "", None])
def test_a_request_for_another_name_is_unfit(name: str | None) -> None:
    with pytest.raises(UnfitRequestError, match="common name"):
        check_request(csr(name or None), {"SN-1"})


@pytest.mark.parametrize(
    "text", ["", "rubbish", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "\0" * 99]
)
def test_what_is_no_request_is_unfit(text: str) -> None:
    with pytest.raises(UnfitRequestError, match="cannot be read"):
        check_request(text, {"SN-1"})


def test_a_short_key_is_unfit() -> None:
    with pytest.raises(UnfitRequestError, match="192 bits"):
        check_request(csr("SN-1", weak=True), {"SN-1"})


def test_a_key_of_another_kind_is_unfit() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SN-1")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    with pytest.raises(UnfitRequestError, match="neither RSA nor ECDSA"):
        check_request(request.public_bytes(serialization.Encoding.PEM).decode(), {"SN-1"})


def test_a_root_has_a_name_for_each_hash_algorithm_of_the_specification() -> None:
    names = hash_data(issuer().root)
    assert [name["hashAlgorithm"] for name in names] == ["SHA256", "SHA384", "SHA512"]
    assert [len(name["issuerKeyHash"]) for name in names] == [64, 96, 128]
    assert {name["serialNumber"] for name in names} == {"7"}

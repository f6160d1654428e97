"""The certificate store. The expected hashes are those that the `cryptography` package computes for OCSP."""

from __future__ import annotations

import pytest

from simulator.certificates import Certificates

ROOT = """\
-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIEEjSrzTAKBggqhkjOPQQDAjAkMQ4wDAYDVQQKDAVHYXJk
dTESMBAGA1UEAwwJVGVzdCByb290MB4XDTI2MTEyNDE3MzIyMVoXDTM2MTEyMTE3
MzIyMVowJDEOMAwGA1UECgwFR2FyZHUxEjAQBgNVBAMMCVRlc3Qgcm9vdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABFmmFvGIAnSdsBrGUP9ek72IfSYTHoc3sZlv
32d5bS2VuMMQxBUhpkuOiv5cYYLD91Y/ganL2M6Ky3i6h7zg8pOjUzBRMB0GA1Ud
DgQWBBSxRWIMrEYpXF0Ytoa4hXxzoesXzjAfBgNVHSMEGDAWgBSxRWIMrEYpXF0Y
toa4hXxzoesXzjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCp
0cnftyKd1XCMYD1z4fDAdlrQmnZ6UB9/RpwcNEPqXwIgV0ne4/olpezgT0usuuN3
96w+BFXP/aC9E47obYTaxuw=
-----END CERTIFICATE-----
"""
KIND = "CentralSystemRootCertificate"


def test_a_root_is_identified_by_the_hashes_of_its_issuer_and_its_serial_number() -> None:
    store = Certificates()
    assert store.install(KIND, f"a comment\n{ROOT}") == "Accepted"
    assert store.installed(KIND) == [
        {
            "hash_algorithm": "SHA256",
            "issuer_name_hash": "ec565f34da608d8b6d934f538420f8726ccd24a038a846cac72577676788fdba",
            "issuer_key_hash": "dbd1d7563ec6ae3402906c26147520f3f6a6a8aa23741c7b51cdd3c2b9abc55b",
            "serial_number": "1234abcd",
        }
    ]


def test_a_root_that_is_there_already_is_not_kept_twice_and_the_last_one_stays() -> None:
    store = Certificates()
    assert [store.install(KIND, ROOT) for _ in range(2)] == ["Accepted", "Accepted"]
    [data] = store.installed(KIND)
    assert store.delete(data) == "Failed"


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "x",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
        ROOT.replace("MIIBjTCCATOgAwIB", "MIIBjTCC/TOgAwIB"),
    ],
)
def test_what_is_no_certificate_is_rejected(pem: str) -> None:
    assert Certificates().install(KIND, pem) == "Rejected"

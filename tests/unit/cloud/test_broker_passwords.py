from __future__ import annotations

import base64
from pathlib import Path

from cloud.enrolment.passwords import PasswordFile, lines_beside, own_line
from cloud.enrolment.service.broker import hash_of, write_password_file


def test_a_password_is_kept_as_mosquitto_keeps_it() -> None:
    """The line was made by Mosquitto 2.0: mosquitto_passwd -c -b passwords user abc."""
    salt = "Ic+08JUoxRoldihs"
    made = f"$7$101${salt}$iVUGJdTO+l4kAjWlXNM3wye+9y1uMeNPrAZGpvOtFfj+XezecS5U9YgwLgRE4vdFd90iZZlTPgZ5A1+frEsuYg=="
    assert hash_of("abc", base64.b64decode(salt)) == made


def test_the_file_is_replaced_whole_is_not_readable_by_others_and_is_left_alone_when_nothing_changed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "passwords"
    assert write_password_file(file, ["cloud:x"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert not write_password_file(file, ["cloud:x"])
    file.chmod(0o640)
    assert write_password_file(file, ["cloud:x", "north:y"])
    assert file.read_text() == "cloud:x\nnorth:y\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_replicas_that_share_the_file_write_the_same_line_of_their_own(tmp_path: Path) -> None:
    kept = PasswordFile(tmp_path / "passwords", "cloud", "a password")
    assert own_line(kept) == own_line(kept)
    assert own_line(kept) != own_line(PasswordFile(kept.file, "cloud", "another"))


def test_a_site_named_as_the_cloud_gets_no_login_as_the_cloud() -> None:
    assert lines_beside("cloud:x", ["cloud:theirs", "cloudy:y"]) == ["cloud:x", "cloudy:y"]

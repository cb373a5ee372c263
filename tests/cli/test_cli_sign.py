"""``aipm sign``: a key of one's own vouches for a folder, and nobody else's does."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PASSWORD = b"a long one"
SIGNATURE = "manifest.json.sig"


def write_keys(project, name, key, password=None):
    """Write a pair of keys as openssl does."""
    lock = NoEncryption() if password is None else BestAvailableEncryption(password)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    project.file(f"{name}.pem", private.decode())
    project.file(f"{name}.pub", public.decode())


@pytest.fixture
def report(project, green):
    write_keys(project, "ed", ed25519.Ed25519PrivateKey.generate())
    write_keys(project, "ec", ec.generate_private_key(ec.SECP256R1()))
    return project.report(green)


def line(said):
    return next(each for each in said.out.splitlines() if " signature: " in each)


@pytest.mark.parametrize(("name", "algorithm"), [("ed", "ed25519"), ("ec", "ecdsa-p256-sha256")])
def test_a_signed_folder_holds_under_the_key_that_signed_it(aipm, report, name, algorithm):
    said = aipm("sign", "aipm-report", f"--key={name}.pem")
    assert (said.code, said.err) == (0, "")
    told = json.loads((report / SIGNATURE).read_text())
    assert (told["schema"], told["algorithm"]) == ("aipm-signature/1", algorithm)
    assert told["key"][:23].removeprefix("sha256:") in said.out
    said = aipm("verify", "aipm-report", f"--key={name}.pub")
    assert said.code == 0
    assert line(said).startswith(f"held            signature: {algorithm}, by {name}.pub (")


@pytest.mark.usefixtures("report")
def test_a_signature_without_a_key_to_check_it_is_said(aipm):
    aipm("sign", "aipm-report", "--key=ed.pem")
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert line(said).startswith("cannot be told  signature: made with the key ")
    assert line(said).endswith("name the public key to check it: --key=PEM")


@pytest.mark.parametrize("other", ["ec", "stranger"])
@pytest.mark.usefixtures("report")
def test_another_key_did_not_sign_it(aipm, project, other):
    write_keys(project, "stranger", ed25519.Ed25519PrivateKey.generate())
    aipm("sign", "aipm-report", "--key=ed.pem")
    said = aipm("verify", "aipm-report", f"--key={other}.pub")
    assert said.code == 1
    assert line(said).startswith("does not hold   signature: made with the key ")


@pytest.mark.usefixtures("report")
def test_a_folder_written_anew_is_not_the_one_that_was_signed(aipm, project, report, red):
    aipm("sign", "aipm-report", "--key=ed.pem")
    signed = (report / SIGNATURE).read_bytes()
    project.report(red)
    assert not (report / SIGNATURE).exists(), "it is marked stale"
    assert (report / "manifest.json.stale.sig").read_bytes() == signed
    said = aipm("verify", "aipm-report", "--key=ed.pub")
    assert line(said).endswith(f"signature: a key was given, but there is no {SIGNATURE}")

    (report / SIGNATURE).write_bytes(signed)
    for words in ([], ["--key=ed.pub"]):
        said = aipm("verify", "aipm-report", *words)
        assert said.code == 1
        assert line(said).endswith(f"signature: {SIGNATURE} is of another manifest.json")


def test_whoever_makes_every_hash_anew_still_lacks_the_key(aipm, project, report, red):
    aipm("sign", "aipm-report", "--key=ed.pem")
    told = json.loads((report / SIGNATURE).read_text())
    project.report(red)
    aipm("sign", "aipm-report", "--key=ec.pem")
    forged = {**json.loads((report / SIGNATURE).read_text()), "signature": told["signature"]}
    forged |= {"algorithm": told["algorithm"], "key": told["key"]}
    (report / SIGNATURE).write_text(json.dumps(forged))
    said = aipm("verify", "aipm-report", "--key=ed.pub")
    assert said.code == 1
    assert line(said) == "does not hold   signature: does not match manifest.json and ed.pub"


@pytest.mark.usefixtures("report")
def test_a_key_was_expected_and_nobody_signed(aipm):
    said = aipm("verify", "aipm-report", "--key=ed.pub")
    assert said.code == 1
    assert line(said).endswith(f"a key was given, but there is no {SIGNATURE}")


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xff", b'{"schema": 1}'])
def test_what_is_no_signature_does_not_hold(aipm, report, raw):
    (report / SIGNATURE).write_bytes(raw)
    said = aipm("verify", "aipm-report", "--key=ed.pub")
    assert said.code == 1
    assert line(said).endswith(f"{SIGNATURE} is no signature of this version")


@pytest.mark.usefixtures("report")
def test_a_locked_key_is_opened_by_the_password_that_a_variable_holds(aipm, project, monkeypatch):
    write_keys(project, "locked", ed25519.Ed25519PrivateKey.generate(), PASSWORD)
    words = ("sign", "aipm-report", "--key=locked.pem")
    assert "is locked by a password; name the variable" in aipm(*words).err
    said = aipm(*words, "--password-env=AIPM_KEY")
    assert said.code == 4
    assert "--password-env=AIPM_KEY: the environment has no such variable" in said.err
    monkeypatch.setenv("AIPM_KEY", "another one")
    assert "or its password is another" in aipm(*words, "--password-env=AIPM_KEY").err
    monkeypatch.setenv("AIPM_KEY", PASSWORD.decode())
    said = aipm(*words, "--password-env=AIPM_KEY")
    assert said.code == 0
    assert PASSWORD.decode() not in said.out
    assert aipm("verify", "aipm-report", "--key=locked.pub").code == 0
    said = aipm("sign", "aipm-report", "--key=ed.pem", "--password-env=AIPM_KEY")
    assert "is not locked, but a password was given" in said.err


def test_keys_of_other_kinds_are_refused(aipm, project, report):
    write_keys(project, "rsa", rsa.generate_private_key(65537, 2048))
    write_keys(project, "curve", ec.generate_private_key(ec.SECP384R1()))
    project.file("text.pem", "no key")
    for name in ("rsa", "curve"):
        said = aipm("sign", "aipm-report", f"--key={name}.pem")
        assert said.code == 4
        assert f"{name}.pem: is neither an Ed25519 nor an ECDSA P-256 key; make one" in said.err
    assert "text.pem: is no private key as PEM" in aipm("sign", "aipm-report", "--key=text.pem").err
    said = aipm("sign", "aipm-report", "--key=absent.pem")
    assert "absent.pem: the key cannot be read (No such file or directory)" in said.err
    assert not (report / SIGNATURE).exists()
    aipm("sign", "aipm-report", "--key=ed.pem")
    assert "is no public key as PEM" in aipm("verify", "aipm-report", "--key=ed.pem").err


def test_nobody_signs_what_does_not_hold(aipm, report):
    (report / "summary.md").write_text("all is well")
    said = aipm("sign", "aipm-report", "--key=ed.pem")
    assert said.code == 4
    assert "summary.md: is not the file that manifest.json vouches for" in said.err
    assert not (report / SIGNATURE).exists()


@pytest.mark.usefixtures("report")
def test_without_the_library_the_command_to_install_it_is_named(aipm, monkeypatch):
    aipm("sign", "aipm-report", "--key=ed.pem")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for words in (
        ("sign", "aipm-report", "--key=ed.pem"),
        ("verify", "aipm-report", "--key=ed.pub"),
    ):
        said = aipm(*words)
        assert said.code == 4
        assert said.err == (
            "signatures need the package cryptography; install it: "
            'pip install "pytest-aipm[sign]"\n'
        )
    assert aipm("verify", "aipm-report").code == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_commands_that_the_help_names_make_keys_and_openssl_checks_them(aipm, project, report):
    told = aipm("sign", "--help").out
    commands = [each.split() for each in told.splitlines() if each.strip().startswith("openssl ")]
    assert len(commands) == 2
    for command in commands:
        subprocess.run(command, cwd=project.path, check=True, capture_output=True)
    aipm("sign", "aipm-report", "--key=private.pem")
    assert aipm("verify", "aipm-report", "--key=public.pem").code == 0
    raw = base64.b64decode(json.loads((report / SIGNATURE).read_text())["signature"])
    (project.path / "raw.sig").write_bytes(raw)
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin"]
    words += ["-in", "aipm-report/manifest.json", "-sigfile", "raw.sig"]
    subprocess.run(words, cwd=project.path, check=True, capture_output=True)

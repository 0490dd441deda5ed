"""With --offline no connection is opened, whatever a library would like to ask."""

from pathlib import Path

from calling import TINY, call_apart

GUARD = """
import os, socket

def refuse(name):
    def refused(*arguments, **options):
        with open(os.environ["ASKED"], "a", encoding="utf-8") as file:
            print(name, arguments[1:], file=file)
        raise OSError(f"{name} is not allowed here")
    return refused

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse(name))
for name in ("create_connection", "getaddrinfo", "gethostbyname"):
    setattr(socket, name, refuse(name))
"""


def test_a_whole_chain_offline_opens_no_socket(tmp_path: Path):
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    asked = tmp_path / "asked"
    words = ("intermediate=mnli", "target=xquad", "languages=[en,zh]", *TINY, "--offline", "-w", tmp_path / "w")
    said = call_apart("run", *words, PYTHONPATH=str(tmp_path / "guard"), ASKED=str(asked))
    assert said.code == 0, said.err
    assert said.out.startswith("✓ 2 trained, 2 predicted, 0 here before\n")
    assert not asked.exists(), asked.read_text(encoding="utf-8")


def test_the_guard_of_this_test_sees_a_connection(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    asked = tmp_path / "asked"
    said = call_apart("doctor", "-w", tmp_path / "w", PYTHONPATH=str(tmp_path), ASKED=str(asked), HF_HUB_OFFLINE="0")
    assert said.code == 0, said.err
    assert "does not answer" in said.out
    assert asked.exists()

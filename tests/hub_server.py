"""A Hub on the loopback interface: the part of the Hub's HTTP interface that fetching needs, over temporary folders."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".parquet", ".safetensors")
"""Files that the Hub keeps apart and answers with a redirect, as it does for LFS."""

NO_CONNECTIONS = """
import os, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        os.write(2, f"a connection was tried: {event} {arguments}".encode())
        os._exit(99)
sys.addaudithook(refuse)
"""
"""The beginning of a script that ends at once when anything in it tries to connect, even where errors are swallowed."""


@dataclass
class Repository:
    """Commits of one repository, and what its branches point to."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch or commit, or None."""
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


class Hub:
    """Repositories served at ``endpoint`` while the 'with' block runs.

    ``requests`` lists what was asked, ``downloads`` the paths of the files whose bytes were; a continuation counts again.
    ``troubles`` says what happens to a file's bytes on their way: 'drop' breaks the connection in the middle, once;
    'change' turns one byte; 'fail' answers 500; 'hang' sends half of them, sets ``hanging``, and then no more.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        self.downloads: list[str] = []
        self.troubles: dict[str, str] = {}
        self.hanging = Event()
        self.released = Event()
        hub = self

        class Handler(_Handler):
            """The handler that answers for this hub."""

            served = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT must say."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def storage(self) -> str:
        """Where large files are, under another host name, as the real Hub's are."""
        return f"http://localhost:{self._server.server_port}"

    def commit(self, kind: str, name: str, folder: Path, commit: str = "", more: dict[str, bytes] | None = None) -> str:
        """Put a folder's files, and ``more`` whatever their paths, on 'main'; return the commit, which may be given.

        ``kind`` is 'dataset' or 'model'.
        """
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        } | (more or {})
        commit = (
            commit
            or sha1(
                repr(sorted((path, sha256(content).hexdigest()) for path, content in files.items())).encode()
            ).hexdigest()
        )
        repository = self.repositories.setdefault(f"{kind}s/{name}", Repository())
        repository.commits[commit] = files
        repository.branches["main"] = commit
        return commit

    def __enter__(self) -> "Hub":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are kept in a list, not printed."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.served.requests.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        if parts[0] == "api" and parts[1] in ("datasets", "models") and len(parts) >= 4:
            self._about(f"{parts[1]}/{parts[2]}/{parts[3]}", parts[4:])
        elif parts[0] == "blobs":
            self._blob(parts[1])
        elif "resolve" in parts:
            at = parts.index("resolve")
            owner = parts[:at] if parts[0] == "datasets" else ["models", *parts[:at]]
            self._file("/".join(owner), parts[at + 1], "/".join(parts[at + 2 :]))
        else:
            self._send(404, b"")

    def _about(self, name: str, rest: list[str]) -> None:
        """/api/<kind>s/<owner>/<name>[/revision/<revision>] and /api/…/tree/<revision>."""
        what, revision = (rest[0], "/".join(rest[1:])) if len(rest) >= 2 else ("revision", "main")
        repository, commit = self._found(name, revision)
        if repository is None or commit is None:
            return
        files = repository.commits[commit]
        if what == "tree":
            self._send_json([_listed(path, content) for path, content in files.items()])
        else:
            siblings = [{"rfilename": path} for path in files]
            short = name.split("/", 1)[1]
            self._send_json(
                {
                    "id": short,
                    "sha": commit,
                    "private": False,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "siblings": siblings,
                }
            )

    def _file(self, name: str, revision: str, path: str) -> None:
        repository, commit = self._found(name, revision)
        if repository is None or commit is None:
            return
        content = repository.commits[commit].get(path)
        if content is None:
            self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        elif path.endswith(LARGE):
            digest = sha256(content).hexdigest()
            linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            self._send(
                302, b"", {"X-Repo-Commit": commit, "Location": f"{self.served.storage}/blobs/{digest}", **linked}
            )
        else:
            self._deliver(path, content, {"X-Repo-Commit": commit, "ETag": f'"{blob_id(content)}"'})

    def _blob(self, digest: str) -> None:
        for repository in self.served.repositories.values():
            for files in repository.commits.values():
                for path, content in files.items():
                    if sha256(content).hexdigest() == digest:
                        self._deliver(path, content, {"ETag": f'"{digest}"'})
                        return
        self._send(404, b"")

    def _deliver(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        """A file's bytes, or those from the asked one on, with the trouble that is in store for them."""
        if self.command == "HEAD":
            self._send(200, content, headers)
            return
        self.served.downloads.append(path)
        trouble = self.served.troubles.get(path, "")
        if trouble == "fail":
            self._send(500, b"")
            return
        if trouble == "change":
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            status, headers = 206, {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        else:
            status = 200
        if trouble in ("drop", "hang"):
            self._half(trouble, path, content, headers)
        else:
            self._send(status, content[start:], headers)

    def _half(self, trouble: str, path: str, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if trouble == "drop":
            del self.served.troubles[path]
        else:
            self.served.hanging.set()
            self.served.released.wait()
        self.close_connection = True

    def _found(self, name: str, revision: str) -> tuple[Repository | None, str | None]:
        repository = self.served.repositories.get(name)
        commit = repository.resolve(revision) if repository else None
        if repository is None:
            self._send(404, b'{"error":"Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif commit is None:
            self._send(404, b'{"error":"Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
        return repository, commit

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def blob_id(content: bytes) -> str:
    """git's name for a file with this content."""
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _listed(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def run_script(script: str, argument: Any, endpoint: str, home: Path, **environment: str) -> Any:
    """What a Python script prints as JSON in a process of its own, where HF_ENDPOINT and HF_HOME are read at import.

    The script finds its argument as JSON in sys.argv[1]. A script that fails fails the test with its standard error.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_", "DATASETS_"))
    }
    given = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        **environment,
    }
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        kept.pop(name, None)
        kept.pop(name.upper(), None)
    command = [sys.executable, "-c", script, json.dumps(argument)]
    done = subprocess.run(command, env=kept | given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"the script ended with {done.returncode}\n{done.stderr[-3000:]}"
    return json.loads(done.stdout.splitlines()[-1])

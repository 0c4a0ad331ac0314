"""A Hugging Face Hub of a few endpoints, on this machine, in memory."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LoopbackHub(ThreadingHTTPServer):
    """Repositories by name, each a list of commits, each a dict of files."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.commits: dict[str, list[dict[str, bytes]]] = {}
        self.gated: set[str] = set()
        self.read_only = False
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files(self, repo: str, revision: str) -> dict[str, bytes] | None:
        commits = self.commits.get(repo, [])
        names = {sha(repo, number): commit for number, commit in enumerate(commits)}
        if revision == "main":  # there from the start, and empty
            return commits[-1] if commits else {}
        return names.get(revision)


def sha(repo: str, number: int) -> str:
    return hashlib.sha1(f"{repo} {number}".encode()).hexdigest()


class _Answer(BaseHTTPRequestHandler):
    server: LoopbackHub  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hub, path = self.server, self.path.split("?")[0]
        hub.requests.append(f"POST {path}")
        if hub.read_only:
            self._refuse(403, "")
        elif path == "/api/repos/create":
            asked = json.loads(body)
            repo = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            repo = repo if "/" in repo else f"user/{repo}"
            hub.commits.setdefault(repo, [])
            self._json({"url": f"{hub.address}/{repo}", "name": repo, "id": repo})
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            files = [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]
            self._json({"files": files})
        elif "/commit/" in path:
            repo = "/".join(path.split("/")[3:5])
            lines = [json.loads(line) for line in body.splitlines()]
            added = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            hub.commits[repo].append(added)
            oid = sha(repo, len(hub.commits[repo]) - 1)
            url = f"{hub.address}/{repo}/commit/{oid}"
            self._json({"commitUrl": url, "commitOid": oid, "success": True})
        else:
            self._refuse(404, "EntryNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, parts = self.server, self.path.split("?")[0].strip("/").split("/")
        hub.requests.append(f"{self.command} {self.path}")
        api = parts[0] == "api"
        parts = parts[2:] if api else parts  # api/models/user/name/revision/main
        repo, revision = "/".join(parts[:2]), parts[3] if len(parts) > 3 else "main"
        files = hub.files(repo, revision)
        if repo in hub.gated:
            self._refuse(403, "GatedRepo")
        elif repo not in hub.commits:
            self._refuse(404, "RepoNotFound")
        elif files is None:
            self._refuse(404, "RevisionNotFound")
        else:
            number = next((i for i, one in enumerate(hub.commits[repo]) if one is files), -1)
            if api:
                siblings = [{"rfilename": name} for name in files]
                about = {"id": repo, "sha": sha(repo, number), "siblings": siblings}
                if "tree" in self.path:
                    about = [
                        {"type": "file", "path": n, "size": len(c), "oid": etag(c)}
                        for n, c in files.items()
                    ]
                self._json(about)
            else:
                self._file(files[parts[4]], sha(repo, number))

    def _file(self, content: bytes, commit: str) -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{etag(content)}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _json(self, value: object, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", f"refused: {code}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


def etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@contextmanager
def loopback_hub() -> Iterator[LoopbackHub]:
    hub = LoopbackHub()
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()

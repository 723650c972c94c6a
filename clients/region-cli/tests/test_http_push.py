"""`vf-region push --http` and `watch` against a small server of the API's shape, with its faults."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sent_tables import as_csv, row

from region_cli import asking, http_push
from region_cli.main import main

FINDING = {
    "field": "services.0.care_services.0.code",
    "reason": "unknown code",
    "row": 3,
    "column": "KVÅ-koder",
    "value": "CJE02",
    "suggestion": "did you mean CJE20?",
}


class Server:
    """The service as far as the command sees it: what it was asked, and what it answers next."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.ill: list[tuple[int, dict[str, str], Any]] = []
        """Answers to give first."""
        self.states = ["received", "checking", "done"]
        self.verdicts = [
            {"rows": [one], "number": f"AVT-{one}", "verdict": "rejected", "agreement_id": None, "findings": [FINDING]}
            for one in range(3, 3 + 137)
        ]
        self.taken: list[dict[str, Any]] = []
        self.whole: list[dict[str, Any]] = []
        self.token_seconds = 3600

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        self.asked.append((method, path, headers, body))
        if urlsplit(path).path == "/token":
            basic = base64.b64decode(headers.get("authorization", "Basic ").split()[1]).decode()
            if basic != "region14:hemlig":
                return 401, {}, {"error": "invalid_client"}
            return 200, {}, {"access_token": f"token-{len(self.asked)}", "expires_in": self.token_seconds}
        if self.ill:
            return self.ill.pop(0)
        if method == "POST":
            return 202, {}, {"id": "4f1c-1", "status": "received"}
        return self._submission(parse_qs(urlsplit(path).query))

    def _submission(self, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        limit, page = int(query["limit"][0]), int(query.get("page", ["1"])[0])
        shown = [one for one in (*self.taken, *self.verdicts) if one["verdict"] in query.get("verdict", ["rejected"])]
        return 200, {}, {
            "id": "4f1c-1",
            "status": state,
            "progress": {"rows": 2000 if state != "received" else None, "done": 0 if state == "received" else 900},
            "counts": {"accepted": 1863 * (state == "done"), "conflict": 0, "rejected": len(self.verdicts)},
            "findings": self.whole,
            "verdicts": shown[(page - 1) * limit : page * limit],
            "total": len(shown),
            "page": page,
            "limit": limit,
        }  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, content = made.answer(self.command, self.path, headers, self._body(headers))
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            kind = "text/html" if isinstance(content, bytes) else "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **extra}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _body(self, headers: dict[str, str]) -> bytes:
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(asking, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(http_push, "_FIRST_PAUSE_SECONDS", 0.01)
    for name in ("VF_TOKEN", "VF_TOKEN_URL", "VF_CLIENT_ID", "VF_CLIENT_SECRET", "VF_SCOPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VF_TOKEN", "t")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "avtal.csv").write_bytes(as_csv([row()]).getvalue())
    made.url = f"http://127.0.0.1:{listening.server_port}"  # type: ignore[attr-defined]
    yield made
    listening.shutdown()
    thread.join()
    listening.server_close()


def push(server: Any, *more: str) -> int:
    return main(["push", "avtal.csv", "--http", f"{server.url}/vardformedling/v1", *more])


def test_a_file_is_sent_as_it_is_and_followed_until_it_is_done(server: Server, capsys: Any) -> None:
    assert push(server) == 1
    out, err = capsys.readouterr()
    method, path, headers, body = server.asked[0]
    assert (method, path, body) == (
        "POST",
        "/vardformedling/v1/agreement-submissions?name=avtal.csv",
        Path("avtal.csv").read_bytes(),
    )
    assert headers["authorization"] == "Bearer t"
    assert err.splitlines() == [
        "avtal.csv: mottagen som inskick 4f1c-1",
        "inskick 4f1c-1: 1 863 mottagna, 137 avvisade",
    ]
    lines = out.splitlines()
    assert len(lines) == 137
    assert lines[0] == "avtal.csv:3: AVT-3 avvisat: KVÅ-koder: okänd kod (menas CJE20?)"


def test_the_same_file_has_the_same_idempotency_key_unless_it_is_to_be_judged_anew(server: Server) -> None:
    server.states = ["done"]
    for more in ([], [], ["--anew"]):
        push(server, *more)
    keys = [headers["idempotency-key"] for method, _, headers, _ in server.asked if method == "POST"]
    assert keys[0] == keys[1] != keys[2]


def test_all_accepted_or_unchanged_gives_exit_code_0(server: Server, capsys: Any) -> None:
    server.verdicts = []
    assert push(server) == 0
    assert "1 863 mottagna" in capsys.readouterr().err


def test_json_tells_the_submission_with_all_its_verdicts(server: Server, capsys: Any) -> None:
    assert push(server, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["status"], len(told["verdicts"])) == ("4f1c-1", "done", 137)


def taken(verdict: str, *findings: dict[str, Any]) -> dict[str, Any]:
    return {"rows": [2], "number": "AVT-2", "verdict": verdict, "agreement_id": "a-2", "findings": list(findings)}


TERMINATED = {
    **FINDING,
    "field": "number",
    "row": 2,
    "column": "avtalsnummer",
    "reason": "the same has been taken before, and the agreement is terminated since",
    "suggestion": None,
}


def test_what_the_service_notes_of_what_it_took_is_told_and_counted(server: Server, capsys: Any) -> None:
    server.verdicts, server.taken = [], [taken("unchanged", TERMINATED), taken("accepted")]
    assert push(server) == 0
    out, err = capsys.readouterr()
    assert out == (
        "avtal.csv:2: AVT-2 oförändrat, obs: avtalsnummer: detsamma har tagits emot förut, och avtalet är avslutat "
        "sedan dess\n"
    )
    assert err.endswith("1 863 mottagna, varav 1 med obs\n")


def test_a_note_about_one_that_is_refused_is_told_as_a_note(server: Server, capsys: Any) -> None:
    note = {**FINDING, "field": "", "column": None, "reason": "is the same as row 2: read once", "suggestion": None}
    server.verdicts = [{**server.verdicts[0], "findings": [FINDING, {**note, "note": True}]}]
    assert push(server) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("avtal.csv:3: AVT-3 avvisat: ")
    assert second.startswith("avtal.csv:3: AVT-3 obs: ")


def test_every_agreement_is_told_with_its_id_where_all_are_asked_for(server: Server, capsys: Any) -> None:
    server.verdicts, server.taken = [], [taken("accepted")]
    assert push(server, "--all") == 0
    assert capsys.readouterr().out == "avtal.csv:2: AVT-2 mottaget: a-2\n"
    push(server, "--json")
    assert json.loads(capsys.readouterr().out)["verdicts"] == server.taken


def test_with_a_mapping_what_is_marked_is_sent_by_its_number_alone_so_that_it_is_purged(
    server: Server, capsys: Any
) -> None:
    Path("avtal.csv").write_bytes(as_csv([row(sekretess="ja"), row(avtalsnummer="AVT-2")]).getvalue())
    Path("karta.toml").write_text("", "utf-8")
    server.verdicts = [{**server.verdicts[0], "rows": [1], "number": None, "findings": []}]
    assert push(server, "--mapping", "karta.toml") == 1
    first, second = map(json.loads, server.asked[0][3].splitlines())
    assert first == {"number": "AVT-1", "confidential": True}
    assert second["number"] == "AVT-2"
    assert "AVT-1" not in "".join(capsys.readouterr())


def test_a_submission_can_be_followed_by_its_id(server: Any, capsys: Any) -> None:
    assert main(["watch", "4f1c-1", "--http", server.url]) == 1
    assert capsys.readouterr().err == "inskick 4f1c-1: 1 863 mottagna, 137 avvisade\n"
    assert main(["watch", "../tokens", "--http", server.url]) == 2


def test_a_file_that_cannot_be_read_at_all_gives_exit_code_2_and_why(server: Server, capsys: Any) -> None:
    server.states, server.verdicts = ["failed"], []
    server.whole = [{"field": "name", "reason": "the column namn is missing", "row": 1, "column": None}]
    assert push(server) == 2
    out, err = capsys.readouterr()
    assert out == "avtal.csv:1: misslyckat: name: kolumnen namn saknas\n"
    assert err.endswith("inskick 4f1c-1: misslyckad, inget togs emot\n")


def test_the_problems_own_words_are_told(server: Server, capsys: Any) -> None:
    server.ill = [(403, {}, {"title": "Forbidden", "status": 403, "detail": "only region 14 may send its own"})]
    assert push(server) == 2
    assert capsys.readouterr().err == "vf-region: 403: only region 14 may send its own\n"


def test_an_address_without_the_apis_path_is_told_as_such(server: Server, capsys: Any) -> None:
    server.ill = [(404, {}, {"title": "Not Found", "status": 404, "detail": "Not Found"})]
    assert push(server) == 2
    assert "does the address after --http end with the API's path" in capsys.readouterr().err


def test_a_token_that_was_copied_with_the_word_bearer_is_the_same_token(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setenv("VF_TOKEN", "Bearer t ")
    push(server)
    assert server.asked[0][2]["authorization"] == "Bearer t"


def test_an_answer_that_is_not_the_apis_is_told_as_a_wrong_address(server: Server, capsys: Any) -> None:
    server.ill = [(404, {}, b"<html>"), (200, {}, b"<html>")]
    for _ in range(2):
        assert push(server) == 2
        assert "and not as the API does: check the address" in capsys.readouterr().err


def test_a_server_that_is_busy_or_away_for_a_moment_is_asked_again_with_the_same_key(server: Server) -> None:
    busy = {"status": 503, "detail": "try again shortly"}
    server.ill, server.verdicts = [(503, {}, busy), (429, {"Retry-After": "0"}, busy)], []
    assert push(server) == 0
    posts = [(headers["idempotency-key"], body) for method, _, headers, body in server.asked if method == "POST"]
    assert len(posts) == 3
    assert len(set(posts)) == 1


def test_a_server_that_is_not_there_is_told_in_one_line(server: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(asking, "_ATTEMPTS", 2)
    assert main(["push", "avtal.csv", "--http", "http://127.0.0.1:1"]) == 2
    err = capsys.readouterr().err
    assert "cannot be reached" in err
    assert len(err.splitlines()) == 1


@pytest.fixture
def by_client(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VF_TOKEN")
    monkeypatch.setenv("VF_TOKEN_URL", f"{server.url}/token")
    monkeypatch.setenv("VF_CLIENT_ID", "region14")
    monkeypatch.setenv("VF_CLIENT_SECRET", "hemlig")


@pytest.mark.usefixtures("by_client")
def test_a_region_system_gets_its_token_by_client_credentials_and_keeps_it(server: Server) -> None:
    push(server)
    tokens = [body for _, path, _, body in server.asked if path == "/token"]
    assert tokens == [b"grant_type=client_credentials"]
    assert {headers["authorization"] for _, path, headers, _ in server.asked if path != "/token"} == {"Bearer token-1"}


@pytest.mark.usefixtures("by_client")
def test_a_token_that_has_ended_is_renewed(server: Server) -> None:
    server.token_seconds = 0
    push(server)
    used = [headers["authorization"] for _, path, headers, _ in server.asked if path != "/token"]
    assert len(set(used)) == len(used)
    server.token_seconds, server.asked = 3600, []
    server.states, server.ill = ["done"], [(401, {}, {"detail": "the token has expired"})]
    assert push(server) == 1
    assert sum(path == "/token" for _, path, _, _ in server.asked) == 2


@pytest.mark.usefixtures("by_client")
def test_a_wrong_secret_or_none_is_told_and_never_repeated(server: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("VF_CLIENT_SECRET", "fel-hemlighet")
    assert push(server) == 2
    err = capsys.readouterr().err
    assert "gave no token (HTTP 401): check id and secret" in err
    assert "fel-hemlighet" not in err
    monkeypatch.delenv("VF_CLIENT_SECRET")
    assert push(server) == 2
    assert "VF_CLIENT_SECRET missing" in capsys.readouterr().err


def test_with_a_mapping_the_file_is_read_here_and_verdicts_are_told_of_its_own_rows(
    server: Server, capsys: Any
) -> None:
    rows = [row(Dnr=f"AVT-{one}", avtalsnummer=None, namn="" if one == 1 else "N") for one in (1, 2, 3)]
    for one in rows:
        del one["avtalsnummer"]
    Path("avtal.csv").write_bytes(as_csv(rows).getvalue())
    Path("karta.toml").write_text('[headings]\nDnr = "avtalsnummer"\n', "utf-8")
    server.verdicts = [{**server.verdicts[0], "rows": [2], "number": "AVT-3"}]
    assert push(server, "--mapping", "karta.toml") == 1
    out, _ = capsys.readouterr()
    sent = [json.loads(line) for line in server.asked[0][3].splitlines()]
    assert [one["number"] for one in sent] == ["AVT-2", "AVT-3"]
    assert out.splitlines() == [
        "avtal.csv:2: AVT-1 avvisat: namn: måste fyllas i",
        "avtal.csv:4: AVT-3 avvisat: KVÅ-koder: okänd kod (menas CJE20?)",
    ]


def test_a_file_of_another_region_is_not_sent(server: Server, capsys: Any) -> None:
    assert push(server, "--region", "1") == 2
    assert "holds agreements of region 14, and --region says 01: nothing is sent" in capsys.readouterr().err
    assert server.asked == []


def test_a_file_that_was_sent_before_is_told_as_such(server: Server, capsys: Any) -> None:
    server.ill = [(202, {}, {"id": "4f1c-1", "status": "done", "repeated": True})]
    push(server)
    assert "skickades förut, som inskick 4f1c-1; med --anew bedöms den igen" in capsys.readouterr().err

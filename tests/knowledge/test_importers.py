"""Edges from tables, SIF and answers; the plug-in that asks an endpoint."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from twinlab import cli
from twinlab.errors import UserError
from twinlab.knowledge import Edge, Endpoint, Knowledge, Question, ask, import_bytes
from twinlab.knowledge.answers import agreement, combine, read_answers

SAMPLES = Path(__file__).parents[2] / "sample_data"


def keys(edges):
    return [(e.regulator, e.target, e.sign, round(e.confidence, 3)) for e in edges]


# --------------------------------------------------------------------------------- tables


def test_a_simple_table():
    text = (
        "regulator,target,sign,confidence,source,sentence\n"
        'a,b,+,0.9,Smith 2010,"a raises b, they say"\n'
        "b,a,inhibits,,,\n\n"
    )
    edges = import_bytes(text.encode(), "e.csv")
    assert keys(edges) == [("a", "b", 1, 0.9), ("b", "a", -1, 0.8)]
    assert edges[0].sentences == ("a raises b, they say",) and edges[0].source == "Smith 2010"
    assert edges[1].source == "e.csv" and edges[1].place == ("e.csv", 3)


def test_tables_of_databases():
    text = (
        "source\ttarget\tsource_genesymbol\ttarget_genesymbol\tis_stimulation\tis_inhibition\n"
        "P1\tP2\tTP53\tMDM2\t1\t0\nP2\tP1\tMDM2\tTP53\t0\t1\nP2\tP1\tMDM2\tTP53\t0\t1\n"
    )
    edges = import_bytes(text.encode("utf-8-sig"), "omni.tsv")
    assert keys(edges) == [("TP53", "MDM2", 1, 0.8), ("MDM2", "TP53", -1, 0.8)]
    plain = import_bytes(b"source;target;interaction\na;b;controls-state-change-of", "x.csv")
    assert keys(plain) == [("a", "b", 0, 0.8)]


def test_sif():
    text = b"# nodes\nA activates B C\nD\nB\tinhibits\tA\nA inhibits C\n"
    edges = import_bytes(text, "net.sif")
    # Lines that disagree about the sign leave it open.
    assert keys(edges) == [("A", "B", 1, 0.8), ("A", "C", 0, 0.8), ("B", "A", -1, 0.8)]
    assert edges[1].source == "net.sif: activates; net.sif: inhibits"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"a,b\n1,2", "e.csv", "e.csv, line 1: The table has no column 'regulator'"),
        (b"regulator,target\na,", "e.csv", "e.csv, line 2, column 'target': It is empty"),
        (b"regulator,target,sign\na,b,maybe", "e.csv", "line 2, column 'sign': The sign 'maybe'"),
        (b"regulator,target,confidence\na,b,2", "e.csv", "column 'confidence': '2' is not a"),
        (b"regulator,target,confidence\na,b,nan", "e.csv", "'nan' is not a number"),
        (b"A activates", "n.sif", "n.sif, line 1: A line needs"),
        (b"\xff\xfe", "n.sif", "not UTF-8"),
        (b"", "e.csv", "holds no edges"),
        (b"A activates B", "n.docx", "Edges are not read from '.docx' files"),
        (b"{", "a.json", "a.json, line 1: This is not JSON"),
        (b"[]", "a.json", "has no 'answers'"),
        (b'{"answers": [{"edges": [{"regulator": "a"}]}]}', "a.json", "answer 1, edge 1: 'target'"),
        (b'{"answers": [{"edges": [], "x": 1}]}', "a.json", "answer 1: the key 'x' is not known"),
        (
            b'{"answers": [{"edges": [{"regulator": "a", "target": "b", "confidence": NaN}]}]}',
            "a.json",
            "NaN is not a number of JSON",
        ),
        (
            b'{"answers": [{"edges": [{"regulator": "a", "target": "b", "sign": "sideways"}]}]}',
            "a.json",
            "'sign' must be positive, negative or unknown",
        ),
        (b'{"answers": ' + b"[" * 5000, "a.json", "a.json"),
        (b'{"schema": 2, "answers": []}', "a.json", "The schema 2 is not known"),
    ],
)
def test_wrong_files_say_where(content, name, message):
    with pytest.raises(UserError) as caught:
        import_bytes(content, name)
    assert message in str(caught.value)


# --------------------------------------------------------------------------------- answers


def answers(*given):
    return json.dumps({"schema": 1, "answers": [{"edges": edges} for edges in given]})


def test_answers_are_combined_by_their_agreement():
    edge = {"regulator": "A", "target": "b", "sign": "negative", "sentence": "says one"}
    other = {"regulator": "a", "target": "B", "sign": "negative", "sentence": "says another"}
    text = answers([edge], [other], [], [{**edge, "sign": "positive", "confidence": 0.5}])
    (found,) = combine(read_answers(text, "a.json"))
    worth = 4 / (1 + 3 * 0.3)
    assert found.confidence == pytest.approx((1 + worth * 2.5 / 4) / (2 + worth))
    assert (found.sign, found.regulator, found.target) == (-1, "A", "b")
    assert found.sentences == ("says one", "says another")
    assert found.source == "machine: 3 of 4 answers"
    split = combine(read_answers(answers([edge], [{**edge, "sign": "positive"}]), "a.json"))
    assert split[0].sign == 0


def test_agreement_rises_with_votes_and_never_becomes_certain():
    assert agreement(1, 1) == pytest.approx(2 / 3)
    rising = [agreement(k, 10) for k in range(11)]
    assert np.all(np.diff(rising) > 0) and pytest.approx(rising[5]) == 0.5
    assert agreement(5, 5) < agreement(100, 100) < 0.85  # correlated answers have a limit


# --------------------------------------------------------------------------------- asking


class Model(BaseHTTPRequestHandler):
    """Answers what the test put into `replies`, one after the other."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((body.decode(), dict(self.headers)))
        status, text = self.server.replies[(len(self.server.asked) - 1) % len(self.server.replies)]
        if status == 0:
            time.sleep(1.5)
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", text)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    made.asked, made.replies, made.daemon_threads = [], [], True
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def url(server):
    return f"http://127.0.0.1:{server.server_port}/v1/chat/completions"


def said(edges, wrap="{}"):
    content = wrap.replace("{}", json.dumps({"edges": edges}))
    return 200, json.dumps({"choices": [{"message": {"content": content}}]})


EDGE = {"regulator": "Lynx", "target": "hare", "sign": "negative", "sentence": "Lynx eat hares."}


def test_several_answers_are_asked_and_combined(server):
    alien = {"regulator": "moon", "target": "hare"}
    server.replies = [
        said([EDGE], "Here you are:\n```json\n{}\n```"),
        said([EDGE, alien]),
        said([{**EDGE, "target": "snow"}]),  # an input has no equation
        (200, "not json"),
        said([{**EDGE, "sign": 7}]),
    ]
    question = Question(("hare", "lynx"), ("snow",), {"hare": "thousands"}, "Furs of Hudson Bay")
    edges = ask(question, Endpoint(url(server), "small", "s3cret"), samples=5)
    # Three answers hold; two of them name the edge, in the names that were asked about.
    assert [(e.regulator, e.target, e.sign) for e in edges] == [("lynx", "hare", -1)]
    assert edges[0].source == "machine: 2 of 3 answers"
    assert edges[0].confidence == pytest.approx(agreement(2, 3))
    assert len(server.asked) == 5
    body, headers = server.asked[0]
    assert headers["Authorization"] == "Bearer s3cret" and "s3cret" not in body
    for word in ("hare (thousands)", "lynx", "snow", "Furs of Hudson Bay"):
        assert word in body
    assert "s3cret" not in repr(Endpoint(url(server), "small", "s3cret"))


def test_no_value_of_the_data_is_ever_sent(server, tmp_path, monkeypatch, capsys):
    values = [f"{v:.4f}" for v in 100 + 50 * np.random.default_rng(0).random(24)]
    rows = [f"secret_patient,{i}.125,{values[i]},{values[i + 12]}" for i in range(12)]
    data = tmp_path / "furs.csv"
    data.write_text("subject,time,hare,lynx\n" + "\n".join(rows), encoding="utf-8")
    server.replies = [said([EDGE])]
    out = tmp_path / "k.yaml"
    monkeypatch.setenv("TWINLAB_KNOWLEDGE_KEY", "token")
    code = cli.main(
        [
            "knowledge",
            "ask",
            str(data),
            "--endpoint",
            url(server),
            "--samples",
            "2",
            "--out",
            str(out),
        ]
    )
    assert code == 0 and "Lynx eat hares." in capsys.readouterr().out
    assert len(server.asked) == 2
    for body, headers in server.asked:
        assert "hare" in body and "lynx" in body
        sent = body + json.dumps(headers)
        assert not any(value in sent for value in values)
        assert ".125" not in sent and "secret_patient" not in sent and "furs" not in sent
    (edge,) = Knowledge.load(out).edges
    assert edge.sentences == ("Lynx eat hares.",) and edge.source == "machine: 2 of 2 answers"


def test_nothing_is_asked_unless_an_endpoint_is_configured(tmp_path, monkeypatch, capsys):
    for name in ("ENDPOINT", "KEY", "MODEL"):
        monkeypatch.delenv(f"TWINLAB_KNOWLEDGE_{name}", raising=False)

    def refuse(*_, **__):
        raise AssertionError("the network was touched")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert cli.main(["knowledge", "ask", str(SAMPLES / "lynx_hare.csv")]) == 2
    assert "No endpoint is configured" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([(401, "no")], "The endpoint refused: 401"),
        ([(302, "http://127.0.0.1:1/")], "The endpoint refused: 302"),
        ([(0, "")], "did not answer within 0.3 s"),
        ([(200, "{}")], "None of the 2 answers could be used.*not of the form"),
        ([said([], "I cannot say")], "holds no JSON object"),
        ([said([{"regulator": 1, "target": "hare"}])], "'regulator' must be text, not 1"),
    ],
)
def test_what_goes_wrong_is_said(server, replies, message):
    server.replies = replies
    with pytest.raises(UserError, match=message):
        ask(Question(("hare", "lynx")), Endpoint(url(server), timeout=0.3), samples=2)


def test_an_endpoint_must_be_an_address():
    for wrong in ("file:///etc/passwd", "localhost:80", "ftp://x/y", "https://"):
        with pytest.raises(UserError, match="is no address of an endpoint"):
            Endpoint(wrong)
    with pytest.raises(UserError, match="cannot be reached"):
        ask(Question(("a",)), Endpoint("http://127.0.0.1:9/"), samples=1)
    with pytest.raises(UserError, match="1 to 20"):
        ask(Question(("a",)), Endpoint("http://127.0.0.1:9/"), samples=0)


# ---------------------------------------------------------------------------- command line


def test_importing_adds_to_a_file_and_keeps_the_rest(tmp_path, capsys):
    table, out = tmp_path / "e.csv", tmp_path / "k.yaml"
    table.write_text("regulator,target,sign\nhare,lynx,+\n", encoding="utf-8")
    Knowledge(edges=(Edge("lynx", "hare", -1), Edge("hare", "lynx", -1))).save(out)
    assert cli.main(["knowledge", "import", str(table), "--out", str(out)]) == 0
    assert "hare -> lynx" in capsys.readouterr().out
    assert [(e.key, e.sign) for e in Knowledge.load(out).edges] == [
        (("lynx", "hare"), -1),
        (("hare", "lynx"), 1),
    ]
    before = out.read_text(encoding="utf-8")
    table.write_text("regulator,target,sign\nhare,lynx,perhaps\n", encoding="utf-8")
    assert cli.main(["knowledge", "import", str(table), "--out", str(out)]) == 2
    assert "e.csv, line 2, column 'sign'" in capsys.readouterr().err
    assert cli.main(["knowledge", "import", str(tmp_path / "none.sif"), "--out", str(out)]) == 2
    assert cli.main(["knowledge", "import", str(table), "--out", str(tmp_path / "k.txt")]) == 2
    assert out.read_text(encoding="utf-8") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.csv", "k.yaml"]

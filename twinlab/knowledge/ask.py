"""An optional plug-in: a language model is asked what acts on what.

Nothing happens unless an endpoint is configured (arguments, or the environment variables
`ENDPOINT`, `KEY` and `MODEL`).  What is sent holds names, units and the user's description of the
system: a `Question` has no room for data.  What comes back is untrusted: see `answers`.
"""

from __future__ import annotations

import json
import os
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinlab.errors import UserError

from .answers import Answer, check_answer, combine, parse_json
from .items import Edge

ENDPOINT = "TWINLAB_KNOWLEDGE_ENDPOINT"
KEY = "TWINLAB_KNOWLEDGE_KEY"
MODEL = "TWINLAB_KNOWLEDGE_MODEL"

MAX_SAMPLES, MAX_RESPONSE, MAX_DESCRIPTION = 20, 4_000_000, 10_000
#: Answers are to differ where the model is unsure.
TEMPERATURE = 0.8

_TASK = """You help to model a biological system with differential equations. Name the direct \
influences between its variables: which variable acts on the rate of change of which. Answer with \
one JSON object and nothing else, of the form
{"edges": [{"regulator": "...", "target": "...", "sign": "positive", "confidence": 0.9, \
"sentence": "..."}]}
regulator and target must be names from the list, target a state. sign is positive, negative or \
unknown; confidence is your probability, 0 to 1, that the influence exists; sentence says in one \
sentence why, with a source if you know one. Leave out what you do not believe."""


@dataclass(frozen=True)
class Question:
    """All that is ever sent: names, units and words.

    Attributes
    ----------
    states, inputs : tuple of str
    units : mapping of str to str
    description : str
        What the system is, in the user's words.
    """

    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    @property
    def text(self) -> str:
        """The question in words."""

        def listed(names: tuple[str, ...]) -> str:
            return "\n".join(
                f"- {n}" + (f" ({self.units[n]})" if self.units.get(n) else "") for n in names
            )

        parts = [_TASK, f"States:\n{listed(self.states)}"]
        if self.inputs:
            parts.append(f"Inputs, which only drive:\n{listed(self.inputs)}")
        if self.description.strip():
            parts.append(f"The system: {self.description.strip()[:MAX_DESCRIPTION]}")
        return "\n\n".join(parts)


@dataclass(frozen=True)
class Endpoint:
    """Where to ask: an address that speaks the widespread "chat completions" form.

    Attributes
    ----------
    url : str
        http or https.
    model : str
        As the endpoint calls it.
    key : str
        Sent as a bearer token; empty for none.  Never shown or written.
    timeout : float
        Seconds for one answer.
    """

    url: str
    model: str = ""
    key: str = field(default="", repr=False)
    timeout: float = 60.0

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(
                f"'{self.url}' is no address of an endpoint.",
                mend="Give a whole address, with its scheme: https, or http on this machine.",
            )
        if not 0 < self.timeout <= 3600:
            raise UserError("The time limit must be positive, at most an hour.")

    @staticmethod
    def configured(url: str = "", model: str = "", timeout: float = 60.0) -> Endpoint:
        """The endpoint of arguments, or else of the environment; the key of the environment.

        Raises
        ------
        UserError
            None is configured: nothing is asked unless the user says where.
        """
        url = url or os.environ.get(ENDPOINT, "")
        if not url:
            raise UserError(
                "No endpoint is configured, so nobody can be asked.",
                mend=f"Give --endpoint URL, or set {ENDPOINT} (and {KEY}, {MODEL}).",
            )
        model = model or os.environ.get(MODEL, "")
        return Endpoint(url, model, os.environ.get(KEY, ""), timeout)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key must not follow a redirection to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


def request_body(question: Question, model: str) -> dict[str, Any]:
    """What is sent, as JSON."""
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": question.text}],
        "temperature": TEMPERATURE,
    }
    return {"model": model, **body} if model else body


def ask(question: Question, endpoint: Endpoint, samples: int = 5) -> tuple[Edge, ...]:
    """Ask several times and combine the answers by their agreement.

    An answer that cannot be read is left out, as long as one can.

    Parameters
    ----------
    question : Question
    endpoint : Endpoint
    samples : int
        Independent answers, 1 to 20.

    Raises
    ------
    UserError
        The endpoint cannot be reached, takes too long, refuses, or gives no answer that holds.
    """
    if not 1 <= samples <= MAX_SAMPLES:
        raise UserError(f"The number of answers must be 1 to {MAX_SAMPLES}, not {samples}.")
    answers: list[Answer] = []
    wrong: UserError | None = None
    for number in range(samples):
        content = _post(request_body(question, endpoint.model), endpoint)
        try:
            answers.append(_checked(content, question, f"answer {number + 1}"))
        except UserError as error:
            wrong = error
    if not answers:
        assert wrong is not None
        raise UserError(
            f"None of the {samples} answers could be used. The last one: {wrong.problem}",
            mend="Try another model, or import a file of edges.",
        )
    return combine(answers)


def _post(body: Mapping[str, Any], endpoint: Endpoint) -> str:
    """The text of one answer."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = urllib.request.Request(
        endpoint.url, json.dumps(body).encode(), headers, method="POST"
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=endpoint.timeout) as response:
            content = response.read(MAX_RESPONSE + 1)
    except urllib.error.HTTPError as error:
        raise UserError(
            f"The endpoint refused: {error.code} {error.reason}.",
            mend=f"Check the address, the key in {KEY} and the model's name.",
        ) from None
    except (TimeoutError, socket.timeout):  # noqa: UP041
        raise _too_slow(endpoint) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _too_slow(endpoint) from None
        raise UserError(
            f"The endpoint cannot be reached: {error.reason}.", mend="Check the address."
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"The endpoint cannot be asked: {error}.") from None
    if len(content) > MAX_RESPONSE:
        raise UserError("The endpoint's answer is larger than any table of edges.")
    return content.decode("utf-8", errors="replace")


def _too_slow(endpoint: Endpoint) -> UserError:
    return UserError(
        f"The endpoint did not answer within {endpoint.timeout:g} s.",
        mend="Ask again, or allow more time.",
    )


def _checked(content: str, question: Question, where: str) -> Answer:
    """One answer, every name among those that were asked about."""
    envelope = parse_json(content, "")
    try:
        text = envelope["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise UserError(f"{where} is not of the form that is expected.") from None
    if not isinstance(text, str):
        raise UserError(f"{where} holds no text.")
    begin, end = text.find("{"), text.rfind("}")  # some wrap the object in words or a fence
    if begin < 0 or end < begin:
        raise UserError(f"{where} holds no JSON object.")
    edges = check_answer(parse_json(text[begin : end + 1], ""), "", where)
    names = {n.casefold(): n for n in (*question.states, *question.inputs)}
    states = {n.casefold() for n in question.states}
    return tuple(
        edge._replace(
            regulator=names[edge.regulator.casefold()], target=names[edge.target.casefold()]
        )
        for edge in edges
        if edge.regulator.casefold() in names and edge.target.casefold() in states
    )

"""Pieces every section is made of: HTML panes, cards, numbered headings, messages."""

from __future__ import annotations

from typing import Any

import panel as pn

from ..messages import Message
from ..theme import CARD_CSS, EQUATION_CSS, HTML_CSS
from ..words import escape


def html(content: str = "", **options: Any) -> pn.pane.HTML:
    """An HTML pane with the page's rules; `content` must be escaped already."""
    options.setdefault("sizing_mode", "stretch_width")
    options.setdefault("margin", 0)
    sheets = [HTML_CSS, EQUATION_CSS, *options.pop("stylesheets", [])]
    return pn.pane.HTML(content, stylesheets=sheets, **options)


def card(title: str, *content: Any, caption: Any = None, **options: Any) -> pn.Column:
    """A bordered surface with a title; `title` is ours and may hold markup."""
    head = [html(f"<h2>{title}</h2>")]
    if caption is not None:
        head.append(caption)
    sheets = [CARD_CSS, *options.pop("stylesheets", [])]
    options.setdefault("sizing_mode", "stretch_width")
    return pn.Column(*head, *content, margin=0, stylesheets=sheets, **options)


def section(number: int, title: str, words: str, *content: Any) -> pn.Column:
    """A numbered section of the sidebar with one line that says what it is for."""
    heading = html(
        f"<h2><span class='number'>{number}</span>{title}</h2><p class='caption'>{words}</p>"
    )
    return pn.Column(
        heading,
        *content,
        sizing_mode="stretch_width",
        margin=0,
        stylesheets=[
            ":host { padding: 14px 16px 16px; box-sizing: border-box; gap: 8px;"
            " border-bottom: 1px solid var(--tl-border); }"
        ],
    )


def message_html(message: Message) -> str:
    """A message as HTML: the first line as words, a caret picture below it as it is."""
    if not message.text:
        return ""
    first, _, rest = message.text.partition("\n")
    below = (
        f"<pre>{escape(rest)}</pre>" if "^" in rest else f"<p>{escape(rest)}</p>" if rest else ""
    )
    role = "alert" if message.level == "error" else "status"
    return (
        f"<div class='note {message.level}' role='{role}'><p class='{message.level}'>"
        f"{escape(first)}</p>{below}</div>"
    )


def message_pane(message: Message) -> pn.pane.HTML:
    """A pane that follows a message; it takes no room while there is none."""
    pane = html(message_html(message), visible=bool(message.text))

    def show(*_: Any) -> None:
        pane.param.update(object=message_html(message), visible=bool(message.text))

    message.param.watch(show, ["text", "level"])
    return pane

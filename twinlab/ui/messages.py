"""Messages that stand beside the control they belong to."""

from __future__ import annotations

import param

from twinlab.errors import UserError


class Message(param.Parameterized):
    """One message beside the control it belongs to; empty text shows nothing."""

    text = param.String(default="")
    level = param.Selector(default="note", objects=["note", "warning", "error"])

    def say(self, text: str, level: str = "note") -> None:
        """Show `text`."""
        self.param.update(text=text, level=level)

    def clear(self) -> None:
        """Show nothing."""
        self.say("")


def words_of(error: Exception) -> str:
    """What to tell the user about an error; nothing of the unexpected is hidden."""
    if isinstance(error, UserError):
        return str(error)
    return f"Something unexpected went wrong ({type(error).__name__}: {error}). Nothing was lost."

"""Every design token of the interface: the only module that holds a colour or a size."""

from __future__ import annotations

from dataclasses import dataclass

RADIUS = 6
SIDEBAR_WIDTH = 320
#: Text sizes, px: caption, body, card title, key figure.
CAPTION, BODY, TITLE, FIGURE = 12, 13, 14.4, 20
SANS = "Roboto, 'Helvetica Neue', Arial, sans-serif"
SERIF = "'STIX Two Text', 'Libertinus Serif', 'Times New Roman', Times, serif"

#: Opacity of the bands; the inner one lies over the outer one.
ALPHA_OUTER, ALPHA_INNER = 0.16, 0.26
#: Series are told apart by hue, marker and dash: never by hue alone.
MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex")
DASHES = ("solid", "dashed", "dotted", "dotdash", "dashdot", "solid")


@dataclass(frozen=True)
class Palette:
    """Colours of one theme; `series` are the data colours and never appear on controls."""

    name: str
    accent: str
    on_accent: str
    bar: str
    page: str
    surface: str
    sunken: str
    border: str
    text: str
    muted: str
    good: str
    warning: str
    error: str
    track: str
    forecast: str
    stage: str
    series: tuple[str, ...]

    def colour(self, index: int) -> str:
        """Colour of the state of this index; they repeat after six."""
        return self.series[index % len(self.series)]


LIGHT = Palette(
    name="light",
    accent="#0B5C8A",
    on_accent="#FFFFFF",
    bar="#10293B",
    page="#F6F8FA",
    surface="#FFFFFF",
    sunken="#F2F5F8",
    border="#DCE3EA",
    text="#14212B",
    muted="#526371",
    good="#0A7455",
    warning="#8A5300",
    error="#B3261E",
    track="#E9EEF3",
    forecast="#5B6B78",
    stage="#5B6B78",
    series=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A5CC2", "#8C6D1F"),
)
DARK = Palette(
    name="dark",
    accent="#5DB4E5",
    on_accent="#06202F",
    bar="#0E2433",
    page="#11171C",
    surface="#182027",
    sunken="#1F2931",
    border="#2C3943",
    text="#E6EDF2",
    muted="#A3B1BC",
    good="#5FD0AC",
    warning="#F0B45A",
    error="#FF8A80",
    track="#26323B",
    forecast="#C5D0D8",
    stage="#C5D0D8",
    series=("#56B4E9", "#E69F00", "#2BC79A", "#E29CC4", "#B49CF0", "#D9C15A"),
)


def palette(dark: bool) -> Palette:
    """The palette of a theme."""
    return DARK if dark else LIGHT

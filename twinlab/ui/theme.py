"""The one place that turns tokens into a Material theme and style sheets."""

from __future__ import annotations

from typing import Any

from .tokens import BODY, CAPTION, DARK, FIGURE, LIGHT, RADIUS, SANS, SERIF, TITLE, Palette


def _variant(colours: Palette) -> dict[str, Any]:
    flat = {"styleOverrides": {"root": {"boxShadow": "none", "textTransform": "none"}}}
    return {
        "palette": {
            "primary": {"main": colours.accent, "contrastText": colours.on_accent},
            "error": {"main": colours.error},
            "warning": {"main": colours.warning},
            "success": {"main": colours.good},
            "background": {"default": colours.page, "paper": colours.surface},
            "text": {"primary": colours.text, "secondary": colours.muted},
            "divider": colours.border,
        },
        "typography": {"fontFamily": SANS, "fontSize": BODY},
        "shape": {"borderRadius": RADIUS},
        "components": {
            "MuiButton": {**flat, "defaultProps": {"disableElevation": True}},
            "MuiInputLabel": {
                "styleOverrides": {
                    "root": {"&[data-shrink=false]": {"transform": "translate(12px, 8px)"}}
                }
            },
            # The label beside a switch takes the colour of the page around it otherwise: black.
            "MuiFormControlLabel": {"styleOverrides": {"label": {"color": colours.text}}},
            "MuiChip": {"styleOverrides": {"root": {"height": "24px", "borderRadius": "5px"}}},
            "MuiToggleButton": {
                "styleOverrides": {
                    "root": {"textTransform": "none", "padding": "3px 10px", "whiteSpace": "nowrap"}
                }
            },
            "MuiAppBar": {
                "styleOverrides": {
                    "root": {
                        "backgroundColor": colours.bar,
                        "backgroundImage": "none",
                        "color": "#FFFFFF",
                        "boxShadow": "none",
                    }
                }
            },
            "MuiPaper": {"styleOverrides": {"root": {"backgroundImage": "none"}}},
            "MuiDrawer": {"styleOverrides": {"paper": {"backgroundColor": colours.surface}}},
        },
    }


def theme_config() -> dict[str, Any]:
    """Material theme of both modes, for ``Page(theme_config=...)``."""
    return {"light": _variant(LIGHT), "dark": _variant(DARK)}


def _variables(colours: Palette) -> str:
    names = (
        "accent", "on_accent", "page", "surface", "sunken", "border", "text", "muted", "good",
        "warning", "error", "track",
    )  # fmt: skip
    pairs = [f"--tl-{name.replace('_', '-')}: {getattr(colours, name)};" for name in names]
    pairs += [f"--tl-series-{i}: {colour};" for i, colour in enumerate(colours.series)]
    return " ".join(pairs)


def page_css() -> str:
    """Style sheet of the page: the tokens as CSS variables, inherited by everything inside."""
    return f"""
.mui-light {{ {_variables(LIGHT)} color-scheme: light; }}
.mui-dark {{ {_variables(DARK)} color-scheme: dark; }}
.main {{ background-color: var(--tl-page) !important; }}
.MuiToolbar-root {{ min-height: 52px !important; }}
.MuiAppBar-root .title {{ font-size: 18px; font-weight: 700; letter-spacing: 0.01em; }}
"""


#: A bordered surface that holds a title and its content.
CARD_CSS = f"""
:host {{
  background: var(--tl-surface); border: 1px solid var(--tl-border); border-radius: {RADIUS}px;
  padding: 12px 16px; box-sizing: border-box; gap: 4px; min-width: 0;
}}
"""

#: Rules shared by every HTML pane.
HTML_CSS = f"""
:host {{ color: var(--tl-text); font: {BODY}px/1.45 {SANS}; margin: 0; }}
h2 {{ font-size: {TITLE}px; font-weight: 600; margin: 0; line-height: 1.35; }}
h2 .number {{ color: var(--tl-accent); margin-right: 6px; font-variant-numeric: tabular-nums; }}
p {{ margin: 0; }}
.caption {{ font-size: {CAPTION}px; color: var(--tl-muted); }}
.figure {{ font-size: {FIGURE}px; font-weight: 600; font-variant-numeric: tabular-nums;
  line-height: 1.3; white-space: nowrap; }}
.good {{ color: var(--tl-good); }}
.warning {{ color: var(--tl-warning); }}
.error {{ color: var(--tl-error); }}
div.note {{ border-left: 3px solid var(--tl-border); padding: 2px 0 2px 8px; margin-top: 6px; }}
div.note.warning {{ border-color: var(--tl-warning); }}
div.note.error {{ border-color: var(--tl-error); }}
pre {{ font: 12px/1.35 ui-monospace, 'DejaVu Sans Mono', monospace; margin: 4px 0 0;
  white-space: pre; overflow-x: auto; }}
details > summary {{ cursor: pointer; }}
table {{ border-collapse: collapse; }}
a {{ color: var(--tl-accent); }}
"""

#: Equations: serif, coefficient over its interval, faded by inclusion probability.
EQUATION_CSS = f"""
.equation {{ display: flex; align-items: baseline; flex-wrap: wrap; gap: 2px 7px;
  font: 16.5px/1.35 {SERIF}; padding: 6px 0; border-bottom: 1px solid var(--tl-border); }}
.equation:last-child {{ border-bottom: none; }}
.equation .left {{ white-space: nowrap; margin-right: 2px; }}
.equation .left i, .equation .term i {{ font-style: italic; }}
.equation .term {{ display: inline-flex; flex-direction: column; align-items: stretch; }}
.equation .term b {{ font-weight: 600; font-variant-numeric: tabular-nums; }}
.equation .interval {{ font: 11px/1.2 {SANS}; color: var(--tl-muted); padding-left: 14px;
  font-variant-numeric: tabular-nums; white-space: nowrap; }}
"""

#: Material's multiple choice is as tall as two fields; this makes it one.
CHOICE_SX = {
    # Many choices scroll in their box instead of pushing the rest of the sidebar away.
    "& .MuiSelect-select": {
        "padding": "7px 10px",
        "minHeight": "22px !important",
        "maxHeight": "116px",
        "overflowY": "auto",
    },
    "& .MuiFormLabel-root, & .MuiInputBase-root": {"fontSize": "13.5px"},
}

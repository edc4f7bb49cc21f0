"""The doses one session asks about, and what the twin answers.

No Panel here: the card sets parameters and calls methods, and watches parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import param

from twinlab.errors import UserError
from twinlab.study import Dose
from twinlab.twin import Asked, Twin, ask, repeated

from .fit_state import FitState
from .jobs import Latest
from .messages import Message, words_of

#: Draws behind the curve that follows a slider while it moves; the band comes when it rests.
_PREVIEW = 1


class DoseState(param.Parameterized):
    """What-if of one subject of what the session has fitted.

    Parameters
    ----------
    fit : FitState
        Its discovery is the twin that is asked.
    """

    index = param.Integer(default=0, bounds=(0, None), doc="The trajectory that is asked about.")
    factor = param.Number(default=1.0, bounds=(0, 3), doc="Of all doses, last asked for.")
    asked = param.ClassSelector(default=None, class_=Asked)
    question = param.String(default="", doc="What `asked` answers, in words.")

    def __init__(self, fit: FitState, **params: object) -> None:
        super().__init__(**params)
        self._fit = fit
        self.message = Message()
        self._latest = Latest(fit.later, self._failed)
        self._settled: float | None = None
        fit.param.watch(lambda *_: self.reset(), ["discovery", "stale", "study"])

    @property
    def own(self) -> tuple[Dose, ...]:
        """Doses of the subject in the data."""
        d = self._fit.discovery
        if d is None or self.index >= len(d.study.trajectories):
            return ()
        return d.study.trajectories[self.index].doses

    @property
    def available(self) -> bool:
        """Whether the model follows doses, so that other ones can be asked about."""
        d = self._fit.discovery
        if d is None or self._fit.stale or self.index >= len(d.study.trajectories):
            return False
        return d.problem.homeless_doses == 0 and any(t.doses for t in d.study.trajectories)

    @property
    def usual(self) -> Dose | None:
        """The dose a regimen starts from: the subject's first one, or another subject's."""
        d = self._fit.discovery
        if d is None:
            return None
        every = (*self.own, *(dose for t in d.study.trajectories for dose in t.doses))
        return every[0] if every else None

    def choose(self, index: int) -> None:
        """Ask about another trajectory; the answer for the one before goes."""
        self.index = index
        self.reset()

    def reset(self) -> None:
        """Back to the doses of the data."""
        self._latest.drop()
        self._settled = None
        self.message.clear()
        self.param.update(factor=1.0, asked=None, question="")

    def move(self, factor: float) -> None:
        """Show the curve under doses `factor` times those of the data, without a band."""
        if factor != self._settled:  # a slider at rest may report its value once more
            self._settled = None
            self._scale(factor, _PREVIEW)

    def settle(self, factor: float) -> None:
        """Show curve and band under doses `factor` times those of the data."""
        self._settled = factor
        self._scale(factor, None)

    def _scale(self, factor: float, draws: int | None) -> None:
        if not self.own:
            return
        if factor == 1.0:
            self.reset()
            return
        self.factor = factor
        self._ask(factor, draws, _times_words(factor))

    def ask_regimen(self, amount: float, time: float, interval: float, number: int) -> None:
        """Show curve and band under doses of one amount at one interval."""
        usual = self.usual
        if usual is None:
            return
        first = Dose(time, amount, usual.target, usual.duration, usual.unit)
        try:
            doses = repeated(first, interval, number)
        except UserError as error:
            self._failed(error)
            return
        unit = f" {usual.unit}" if usual.unit else ""
        words = f"{amount:g}{unit} at {time:g}"
        if number > 1:
            words = f"{number} doses of {amount:g}{unit}, every {interval:g} from {time:g}"
        self._ask(doses, None, words)

    def _ask(self, dose: float | Sequence[Dose], draws: int | None, question: str) -> None:
        discovery, index = self._fit.discovery, self.index
        if discovery is None or not self.available:
            return

        def show(asked: Asked) -> None:
            if self._fit.discovery is discovery and self.index == index:
                self.message.clear()
                self.param.update(asked=asked, question=question)

        self._latest.submit(lambda: ask(Twin(discovery), index, dose, draws), show)

    def _failed(self, error: Exception) -> None:
        self.message.say(words_of(error), "error")


def _times_words(factor: float) -> str:
    named = {0.0: "No doses", 0.5: "Half the doses", 2.0: "Twice the doses"}
    return named.get(round(factor, 6)) or f"{factor:.2g} times the doses"

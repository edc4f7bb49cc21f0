"""The workbench for ``panel serve apps/workbench.py``."""

from twinlab.ui import workbench

workbench().servable(title="TwinLab workbench")

"""The clinic page for ``panel serve apps/clinic.py``."""

from twinlab.ui import clinic

clinic().servable(title="TwinLab clinic")

"""TwinLab: from biomedical time series to sparse mechanistic ODE models with honest uncertainty."""

__version__ = "0.1.0"

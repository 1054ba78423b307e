"""Hyper-parameter studies of surrogate-gradient spiking networks, with Ray Tune and MLflow."""

__version__ = "0.1.0"

"""MLflow, as a study's ledger: see keeper.py for what a start holds of it."""

import logging
import os

# A server that does not answer is given up soon: MLflow's own defaults would wait for minutes. And MLflow itself never
# tries again: a creation whose answer was lost would be made twice, and nobody would know.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

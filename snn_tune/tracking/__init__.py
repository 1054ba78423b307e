"""MLflow, as a study's ledger: see keeper.py for what a start holds of it."""

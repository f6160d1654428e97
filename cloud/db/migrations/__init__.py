"""The schema's history, run by Alembic. Each step runs on the code of the release before it (two phases)."""

"""The API and the pages: FastAPI over the serving database.

No Dagster in here. Read `app.py` first.
"""

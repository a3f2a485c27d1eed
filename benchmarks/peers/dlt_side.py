"""dlt's side of `export`; run by the Python that has dlt, not by ours.

Arguments: the backend (`connectorx` or `pyarrow`), the folder to write to, the table. The
database's URL comes by BENCH_SOURCE. Writes Parquet, the format of dlt that leaves both backends
their Arrow batches; its text formats are slower.
"""

from __future__ import annotations

import json
import os
import sys

import dlt  # type: ignore[import-not-found,unused-ignore]
from dlt.sources.sql_database import (  # type: ignore[import-not-found,unused-ignore]
    sql_table,
)

if __name__ == "__main__":
    backend, directory, table = sys.argv[1:4]
    # Reflects by SQLAlchemy with either backend, and gives connectorx a URL without the driver.
    source = sql_table(credentials=os.environ["BENCH_SOURCE"], table=table, backend=backend)
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=f"{directory}/pipelines",
        destination=dlt.destinations.filesystem(bucket_url=f"file://{directory}/out"),
        dataset_name="bench",
    )
    pipeline.run(source, loader_file_format="parquet", write_disposition="replace")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(json.dumps({"rows": counts[table]}))

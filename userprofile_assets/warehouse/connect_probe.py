"""Ask a Spark Connect server something that needs its catalogue; exit code 0 means it answered.

Run as `python -m userprofile_assets.warehouse.connect_probe`, with the address in SPARK_REMOTE,
where no process list shows its token. The first statement of a server also opens the metastore and
loads what every statement needs, so that nobody else has to wait for that.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Ask once, and say on standard error why there was no answer."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        session = SparkSession.builder.getOrCreate()
        session.sql("SHOW TABLES").collect()
        session.stop()
    except PySparkException as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

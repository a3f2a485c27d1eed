"""s3fs's side of `download`: put a local file; run by the Python that has s3fs, not by ours.

Arguments: the file, the object as `bucket/key`. Endpoint and keys come by the AWS_* variables.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    import s3fs

    store = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    store.put_file(sys.argv[1], sys.argv[2])

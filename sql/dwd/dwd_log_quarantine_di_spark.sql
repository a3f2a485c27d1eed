-- The lines of a day's log that could not be parsed, each with its place and the reason.
--
-- Spark knows no line numbers. The SELECT tells which lines are meant, by their hash, and the driver
-- finds them in the object; on a day without such lines it does not look at the object at all.
CREATE TABLE IF NOT EXISTS dwd_log_quarantine_di_spark (
    file STRING COMMENT 'Key of the object that has the line',
    line_number BIGINT COMMENT 'Its number, from 1',
    reason STRING COMMENT 'Why it could not be parsed',
    text STRING COMMENT 'The line; bytes that are no UTF-8 as \\xHH',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Log lines that could not be parsed'
LOCATION '${spark_uri}/dwd_log_quarantine_di_spark'
TBLPROPERTIES ('userprofile.lookup' = 'line_number');

SELECT DISTINCT
    lines.outcome AS reason,
    md5(lines.line) AS line_hash
FROM dwd_log_line_spark AS lines
WHERE
    lines.dt = '${bizdate}'
    -- Empty on a good day, and then Spark does not read the log either.
    AND lines.outcome IN (
        SELECT met.value
        FROM dwd_log_value_di_spark AS met
        WHERE
            met.dt = '${bizdate}'
            AND met.kind = 'outcome'
            AND met.value NOT IN ('parsed', 'outside')
    );

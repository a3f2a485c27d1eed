-- What a day's log consists of: its distinct addresses and agents, and what became of its lines.
--
-- One pass over the log serves three: the dimension tables look up its addresses and agents, the
-- reconciliation adds up its outcomes, and the formats show what the file is.
CREATE TABLE IF NOT EXISTS dwd_log_value_di_spark (
    kind STRING COMMENT 'address, agent, outcome or format',
    value STRING COMMENT 'The value; for outcome see dwd_log_line_spark',
    line_count BIGINT COMMENT 'Lines of the day that have it',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Distinct values of the log of a day, with their numbers of lines'
LOCATION '${spark_uri}/dwd_log_value_di_spark';

INSERT OVERWRITE TABLE dwd_log_value_di_spark PARTITION (dt = '${bizdate}')
WITH lines AS (
    SELECT
        outcome,
        format,
        CASE WHEN outcome = 'parsed' THEN ip END AS address,
        CASE WHEN outcome = 'parsed' THEN agent END AS agent
    FROM dwd_log_line_spark
    WHERE dt = '${bizdate}'
),

counted AS (
    SELECT
        CASE
            WHEN grouping(address) = 0 THEN 'address'
            WHEN grouping(agent) = 0 THEN 'agent'
            WHEN grouping(outcome) = 0 THEN 'outcome'
            ELSE 'format'
        END AS kind,
        coalesce(address, agent, outcome, format) AS value,
        count(*) AS line_count
    FROM lines
    GROUP BY GROUPING SETS ((address), (agent), (outcome), (format))
)

SELECT
    kind,
    value,
    line_count
FROM counted
WHERE value IS NOT NULL;

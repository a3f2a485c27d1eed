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

grouped AS (
    -- Two sets and not four: a line costs each set an update, and an agent has few outcomes.
    SELECT
        address,
        agent,
        outcome,
        format,
        count(*) AS line_count
    FROM lines
    GROUP BY GROUPING SETS ((address), (agent, outcome, format))
)

SELECT
    pair.kind,
    pair.value,
    sum(grouped.line_count) AS line_count
FROM grouped
    LATERAL VIEW
    inline(array(
        struct('address' AS kind, grouped.address AS value),
        struct('agent' AS kind, grouped.agent AS value),
        struct('outcome' AS kind, grouped.outcome AS value),
        struct('format' AS kind, grouped.format AS value)
    )) pair
WHERE pair.value IS NOT NULL
GROUP BY pair.kind, pair.value;

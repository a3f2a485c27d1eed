-- What the lines of a day's log were: parsed ones by client and device, the others by what became
-- of them.
--
-- It answers how large the shares of crawlers and of quarantined lines are without a look at the
-- log.
CREATE TABLE IF NOT EXISTS ads_traffic_1d_spark (
    outcome STRING COMMENT 'parsed; outside: of another business date; else why it is quarantined',
    identity STRING COMMENT 'user, crawler, feed or unknown; NULL if the line is not parsed',
    device STRING COMMENT 'Device class by the agent; NULL if the line is not parsed',
    line_count BIGINT COMMENT 'Lines',
    pv BIGINT COMMENT 'Page views among them',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Lines of the log by outcome, client and device'
LOCATION '${spark_uri}/ads_traffic_1d_spark';

INSERT OVERWRITE TABLE ads_traffic_1d_spark PARTITION (dt = '${bizdate}')
SELECT
    'parsed' AS outcome,
    identity,
    device,
    count(*) AS line_count,
    count_if(is_page_view) AS pv
FROM dwd_log_info_di_spark
WHERE dt = '${bizdate}'
GROUP BY identity, device
UNION ALL
SELECT
    value AS outcome,
    NULL AS identity,
    NULL AS device,
    line_count,
    0 AS pv
FROM dwd_log_value_di_spark
WHERE dt = '${bizdate}' AND kind = 'outcome' AND value != 'parsed';

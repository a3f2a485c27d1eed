-- What the agents of a day's log stand for: one row for each distinct agent.
--
-- The driver looks the agents up (docs/agents.md), since Spark on EMR Serverless takes no functions
-- of ours.
CREATE TABLE IF NOT EXISTS dim_user_agent_spark (
    agent STRING COMMENT 'User agent as the log has it',
    device STRING COMMENT 'Device class, see docs/agents.md',
    identity STRING COMMENT 'user, crawler, feed or unknown',
    browser STRING COMMENT 'Family of the browser, app or crawler, or unknown',
    os STRING COMMENT 'Family of the operating system, or unknown',
    version STRING COMMENT 'Version of the browser; NULL when it gives none',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Distinct agents of a day, with device and identity'
LOCATION '${spark_uri}/dim_user_agent_spark'
TBLPROPERTIES ('userprofile.lookup' = 'user_agent');

SELECT value AS agent
FROM dwd_log_value_di_spark
WHERE dt = '${bizdate}' AND kind = 'agent';

-- One row for each line of a day's access log, by the rules of the tutorial.
--
-- Used with USERPROFILE_LOGIC=tutorial; its defects are kept (docs/processing.md). The tutorial's
-- function for the region is the dimension table here. Every line is a page view.
CREATE TABLE IF NOT EXISTS dwd_log_info_di_spark (
    ip STRING COMMENT 'Address of the client',
    uid STRING COMMENT 'User name as the log has it; - or empty without login',
    time STRING COMMENT 'Time as the log has it',
    status STRING COMMENT 'Status of the answer',
    bytes STRING COMMENT 'Bytes of the answer; - if none',
    region STRING COMMENT 'Province or state of the address',
    method STRING COMMENT 'First word of the request and the blank behind it',
    url STRING COMMENT 'What was asked for, with its parameters',
    protocol STRING COMMENT 'Protocol of the request, such as HTTP/1.1',
    referer STRING COMMENT 'Host of the page that the visitor came from',
    device STRING COMMENT 'Device class by the agent, see docs/agents.md',
    identity STRING COMMENT 'user, crawler, feed or unknown',
    event_time TIMESTAMP COMMENT 'The time as a point in time',
    country STRING COMMENT 'Country of the address',
    city STRING COMMENT 'City of the address',
    browser STRING COMMENT 'Browser by the agent',
    os STRING COMMENT 'Operating system by the agent',
    is_page_view BOOLEAN COMMENT 'Whether a person looked at a page',
    anonymous_id STRING COMMENT 'Always NULL',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Access log, one row per parsed line'
LOCATION '${spark_uri}/dwd_log_info_di_spark';

INSERT OVERWRITE TABLE dwd_log_info_di_spark PARTITION (dt = '${bizdate}')
WITH requests AS (
    SELECT
        *,
        regexp_extract(request, '^[^ ]+ (.*) [^ ]+$', 1) AS url,
        lower(agent) AS lower_agent
    FROM dwd_log_line_spark
    WHERE dt = '${bizdate}'
)

SELECT
    requests.ip,
    requests.uid,
    requests.time,
    requests.status,
    requests.bytes,
    address.region,
    regexp_extract(requests.request, '(^[^ ]+ )', 1) AS method,
    requests.url,
    regexp_extract(requests.request, '.* ([^ ]+$)', 1) AS protocol,
    regexp_extract(requests.referer, '^[^/]+://([^/]+){1}', 1) AS referer,
    CASE
        WHEN instr(requests.lower_agent, 'android') > 0 THEN 'android'
        WHEN instr(requests.lower_agent, 'iphone') > 0 THEN 'iphone'
        WHEN instr(requests.lower_agent, 'ipad') > 0 THEN 'ipad'
        WHEN instr(requests.lower_agent, 'macintosh') > 0 THEN 'macintosh'
        WHEN instr(requests.lower_agent, 'windows phone') > 0 THEN 'windows_phone'
        WHEN instr(requests.lower_agent, 'windows') > 0 THEN 'windows_pc'
        ELSE 'unknown'
    END AS device,
    CASE
        WHEN requests.lower_agent RLIKE '(bot|spider|crawler|slurp)' THEN 'crawler'
        WHEN
            instr(requests.lower_agent, 'feed') > 0 OR instr(requests.url, 'feed') > 0
            THEN 'feed'
        WHEN
            NOT requests.lower_agent RLIKE '(bot|spider|crawler|feed|slurp)'
            AND requests.agent RLIKE '^[Mozilla|Opera]'
            AND instr(requests.url, 'feed') = 0
            THEN 'user'
        ELSE 'unknown'
    END AS identity,
    requests.event_time,
    address.country,
    address.city,
    client.browser,
    client.os,
    TRUE AS is_page_view,
    cast(NULL AS STRING) AS anonymous_id
FROM requests
LEFT JOIN dim_ip_region_spark AS address
    ON requests.ip = address.ip AND address.dt = '${bizdate}'
LEFT JOIN dim_user_agent_spark AS client
    ON requests.agent = client.agent AND client.dt = '${bizdate}';

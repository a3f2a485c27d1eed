-- The access log of a day, left-joined with the users as the tutorial does.
--
-- Used with USERPROFILE_LOGIC=tutorial: all lines without login are one uid `-`, and a user who is
-- registered twice doubles the lines.
CREATE TABLE IF NOT EXISTS dws_user_info_all_di_spark (
    uid STRING COMMENT 'User name as the log has it',
    gender STRING COMMENT 'Gender',
    age_range STRING COMMENT 'Range of age',
    zodiac STRING COMMENT 'Sign of the zodiac',
    region STRING COMMENT 'Province or state of the address',
    device STRING COMMENT 'Device class by the agent',
    identity STRING COMMENT 'user, crawler, feed or unknown',
    method STRING COMMENT 'Method of the request',
    url STRING COMMENT 'What was asked for',
    referer STRING COMMENT 'Host of the page that the visitor came from',
    time STRING COMMENT 'Time as the log has it',
    event_time TIMESTAMP COMMENT 'The time as a point in time',
    country STRING COMMENT 'Country of the address',
    city STRING COMMENT 'City of the address',
    is_page_view BOOLEAN COMMENT 'Whether a person looked at a page',
    is_registered BOOLEAN COMMENT 'Whether the user table has the uid',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Access log joined with the registered users'
LOCATION '${spark_uri}/dws_user_info_all_di_spark';

INSERT OVERWRITE TABLE dws_user_info_all_di_spark PARTITION (dt = '${bizdate}')
SELECT
    coalesce(logs.uid, users.uid) AS uid,
    users.gender,
    users.age_range,
    users.zodiac,
    logs.region,
    logs.device,
    logs.identity,
    logs.method,
    logs.url,
    logs.referer,
    logs.time,
    logs.event_time,
    logs.country,
    logs.city,
    logs.is_page_view,
    users.uid IS NOT NULL AS is_registered
FROM dwd_log_info_di_spark AS logs
LEFT JOIN ods_user_info_d_spark AS users
    ON logs.uid = users.uid AND users.dt = '${bizdate}'
WHERE logs.dt = '${bizdate}';

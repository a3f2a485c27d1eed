-- One row for each parsed line of a day that has a visitor, with what is known about the user.
--
-- The first eleven columns are the tutorial's. `uid` is the visitor: the user's name, or `anon:...`
-- for one without login. A user who is registered twice counts once.
CREATE TABLE IF NOT EXISTS dws_user_info_all_di_spark (
    uid STRING COMMENT 'User name, or anon:... for a visitor without login',
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
WITH registered AS (
    -- Of several rows with one uid the greatest is taken as a whole, so that nothing is mixed and
    -- every run takes the same.
    SELECT
        uid,
        max(struct(gender, age_range, zodiac)) AS facts
    FROM ods_user_info_d_spark
    WHERE dt = '${bizdate}' AND uid NOT IN ('', '-')
    GROUP BY uid
),

visits AS (
    SELECT
        *,
        CASE WHEN uid IN ('', '-') THEN anonymous_id ELSE uid END AS visitor
    FROM dwd_log_info_di_spark
    WHERE dt = '${bizdate}'
)

SELECT
    visits.visitor AS uid,
    registered.facts.gender,
    registered.facts.age_range,
    registered.facts.zodiac,
    visits.region,
    visits.device,
    visits.identity,
    visits.method,
    visits.url,
    visits.referer,
    visits.time,
    visits.event_time,
    visits.country,
    visits.city,
    visits.is_page_view,
    registered.uid IS NOT NULL AS is_registered
FROM visits
LEFT JOIN registered ON visits.visitor = registered.uid
WHERE visits.visitor IS NOT NULL
UNION ALL
SELECT
    registered.uid,
    registered.facts.gender,
    registered.facts.age_range,
    registered.facts.zodiac,
    NULL AS region,
    NULL AS device,
    NULL AS identity,
    NULL AS method,
    NULL AS url,
    NULL AS referer,
    NULL AS time,
    NULL AS event_time,
    NULL AS country,
    NULL AS city,
    FALSE AS is_page_view,
    TRUE AS is_registered
FROM registered
LEFT ANTI JOIN visits ON registered.uid = visits.visitor
WHERE '${inactive_users}' = 'true';

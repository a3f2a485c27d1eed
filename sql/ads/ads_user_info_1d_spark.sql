-- One profile for each visitor of a day who looked at a page.
--
-- The first seven columns are the tutorial's. Region and device are those of most page views; of
-- equally many, the later one. With INACTIVE_USERS registered users without a page view have a row
-- with pv 0.
CREATE TABLE IF NOT EXISTS ads_user_info_1d_spark (
    uid STRING COMMENT 'User name, or anon:... for a visitor without login',
    region STRING COMMENT 'Province or state of most page views',
    device STRING COMMENT 'Device class of most page views',
    pv BIGINT COMMENT 'Page views',
    gender STRING COMMENT 'Gender',
    age_range STRING COMMENT 'Range of age',
    zodiac STRING COMMENT 'Sign of the zodiac',
    country STRING COMMENT 'Country of that region',
    city STRING COMMENT 'City of most page views in that region',
    is_registered BOOLEAN COMMENT 'Whether the user table has the uid',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'User profiles of a day'
LOCATION '${spark_uri}/ads_user_info_1d_spark';

INSERT OVERWRITE TABLE ads_user_info_1d_spark PARTITION (dt = '${bizdate}')
WITH views AS (
    -- Few rows for each uid, however many lines it has: half of a log may be one uid's.
    SELECT
        uid,
        CASE WHEN is_page_view THEN country END AS country,
        CASE WHEN is_page_view THEN region END AS region,
        CASE WHEN is_page_view THEN city END AS city,
        CASE WHEN is_page_view THEN device END AS device,
        count_if(is_page_view) AS pv,
        max(CASE WHEN is_page_view THEN event_time END) AS seen,
        max(gender) AS gender,
        max(age_range) AS age_range,
        max(zodiac) AS zodiac,
        max(is_registered) AS is_registered
    FROM dws_user_info_all_di_spark
    WHERE
        dt = '${bizdate}'
        AND (is_page_view OR ('${inactive_users}' = 'true' AND is_registered))
    GROUP BY
        uid,
        CASE WHEN is_page_view THEN country END,
        CASE WHEN is_page_view THEN region END,
        CASE WHEN is_page_view THEN city END,
        CASE WHEN is_page_view THEN device END
),

weighed AS (
    SELECT
        *,
        sum(pv) OVER (PARTITION BY uid, country, region) AS region_pv,
        max(seen) OVER (PARTITION BY uid, country, region) AS region_seen,
        sum(pv) OVER (PARTITION BY uid, country, region, city) AS city_pv,
        max(seen) OVER (PARTITION BY uid, country, region, city) AS city_seen,
        sum(pv) OVER (PARTITION BY uid, device) AS device_pv,
        max(seen) OVER (PARTITION BY uid, device) AS device_seen
    FROM views
)

SELECT
    uid,
    max_by(region, struct(region_pv, region_seen, country, region)) AS region,
    max_by(device, struct(device_pv, device_seen, device)) AS device,
    sum(pv) AS pv,
    max(gender) AS gender,
    max(age_range) AS age_range,
    max(zodiac) AS zodiac,
    max_by(country, struct(region_pv, region_seen, country, region)) AS country,
    max_by(city, struct(region_pv, region_seen, country, region, city_pv, city_seen, city)) AS city,
    max(is_registered) AS is_registered
FROM weighed
GROUP BY uid;

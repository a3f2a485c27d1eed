-- One profile for each uid of a day, by the rules of the tutorial.
--
-- Used with USERPROFILE_LOGIC=tutorial: every line counts, and of several values the greatest name
-- wins.
CREATE TABLE IF NOT EXISTS ads_user_info_1d_spark (
    uid STRING COMMENT 'User name as the log has it',
    region STRING COMMENT 'Province or state with the greatest name',
    device STRING COMMENT 'Device class with the greatest name',
    pv BIGINT COMMENT 'Lines',
    gender STRING COMMENT 'Gender',
    age_range STRING COMMENT 'Range of age',
    zodiac STRING COMMENT 'Sign of the zodiac',
    country STRING COMMENT 'Country with the greatest name',
    city STRING COMMENT 'City with the greatest name',
    is_registered BOOLEAN COMMENT 'Whether the user table has the uid',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'User profiles of a day'
LOCATION '${spark_uri}/ads_user_info_1d_spark';

INSERT OVERWRITE TABLE ads_user_info_1d_spark PARTITION (dt = '${bizdate}')
SELECT
    uid,
    max(region) AS region,
    max(device) AS device,
    count(*) AS pv,
    max(gender) AS gender,
    max(age_range) AS age_range,
    max(zodiac) AS zodiac,
    max(country) AS country,
    max(city) AS city,
    max(is_registered) AS is_registered
FROM dws_user_info_all_di_spark
WHERE dt = '${bizdate}'
GROUP BY uid;

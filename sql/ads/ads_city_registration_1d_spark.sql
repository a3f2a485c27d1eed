-- How many registered users each city has, ranked: the overview's city-level registration ranking.
--
-- The user table has no city, so a user's city is that of the day's profile. Registered users
-- without a profile on that day, and profiles without a city, are in the row whose city is NULL,
-- which has no rank.
CREATE TABLE IF NOT EXISTS ads_city_registration_1d_spark (
    country STRING COMMENT 'Country of the city',
    region STRING COMMENT 'Province or state of the city',
    city STRING COMMENT 'City of the profile of the day',
    registered_users BIGINT COMMENT 'Registered users whose city it is',
    city_rank BIGINT COMMENT 'Place by registered users, 1 has most; equal numbers share one',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Registered users of each city'
LOCATION '${spark_uri}/ads_city_registration_1d_spark';

INSERT OVERWRITE TABLE ads_city_registration_1d_spark PARTITION (dt = '${bizdate}')
WITH registered AS (
    SELECT DISTINCT uid
    FROM ods_user_info_d_spark
    WHERE dt = '${bizdate}' AND uid NOT IN ('', '-')
),

profiles AS (
    SELECT
        uid,
        country,
        region,
        city
    FROM ads_user_info_1d_spark
    WHERE dt = '${bizdate}' AND city IS NOT NULL
),

cities AS (
    SELECT
        profiles.country,
        profiles.region,
        profiles.city,
        count(*) AS registered_users
    FROM registered
    LEFT JOIN profiles ON registered.uid = profiles.uid
    GROUP BY profiles.country, profiles.region, profiles.city
)

SELECT
    country,
    region,
    city,
    registered_users,
    CASE
        WHEN city IS NOT NULL
            THEN rank() OVER (PARTITION BY city IS NULL ORDER BY registered_users DESC)
    END AS city_rank
FROM cities;

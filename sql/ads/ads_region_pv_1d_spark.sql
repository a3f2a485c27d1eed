-- Where the visitors of a day were: people and page views for each country, region and city.
--
-- A person who was at two places counts at both. Rows with NULL are addresses whose place is not
-- known.
CREATE TABLE IF NOT EXISTS ads_region_pv_1d_spark (
    country STRING COMMENT 'Country of the address',
    region STRING COMMENT 'Province or state of the address',
    city STRING COMMENT 'City of the address',
    people BIGINT COMMENT 'Visitors who looked at a page',
    pv BIGINT COMMENT 'Page views',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Geographic distribution of visitors and page views'
LOCATION '${spark_uri}/ads_region_pv_1d_spark';

INSERT OVERWRITE TABLE ads_region_pv_1d_spark PARTITION (dt = '${bizdate}')
SELECT
    country,
    region,
    city,
    count(DISTINCT uid) AS people,
    count(*) AS pv
FROM dws_user_info_all_di_spark
WHERE dt = '${bizdate}' AND is_page_view
GROUP BY country, region, city;

-- Where the addresses of a day's log are: one row for each distinct address.
--
-- The driver looks the addresses up (docs/addresses.md). What the regions come from must be named
-- where they are shown; the metadata of each day has the sentence.
CREATE TABLE IF NOT EXISTS dim_ip_region_spark (
    ip STRING COMMENT 'Address as the log has it',
    country STRING COMMENT 'Country, or the kind of a range that is nowhere, such as private',
    region STRING COMMENT 'Province or state',
    city STRING COMMENT 'City',
    isp STRING COMMENT 'Provider, where the database has it',
    address_key STRING COMMENT 'Keyed hash of the address; equal for all its spellings',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Distinct addresses of a day, with country, region and city'
LOCATION '${spark_uri}/dim_ip_region_spark'
TBLPROPERTIES ('userprofile.lookup' = 'ip_region');

SELECT value AS ip
FROM dwd_log_value_di_spark
WHERE dt = '${bizdate}' AND kind = 'address';

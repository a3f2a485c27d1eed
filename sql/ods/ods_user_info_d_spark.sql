-- The registered users as they were on one business date: one row for each user.
--
-- The rows lie in the object that user_info_oss writes; the table only points there. Fields are
-- escaped with a backslash and NULL is \N, so every value reads back as the source held it.
CREATE EXTERNAL TABLE IF NOT EXISTS ods_user_info_d_spark (
    uid STRING COMMENT 'User name; a string, leading zeros count',
    gender STRING COMMENT 'Gender',
    age_range STRING COMMENT 'Range of age',
    zodiac STRING COMMENT 'Sign of the zodiac'
)
COMMENT 'Registered users, full copy of each day'
PARTITIONED BY (dt STRING COMMENT 'Business date, yyyymmdd')
ROW FORMAT DELIMITED
FIELDS TERMINATED BY '${field_delimiter}' ESCAPED BY '\\'
LINES TERMINATED BY '\n'
NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '${spark_uri}/ods_user_info_d';

-- Why noqa: the grammar of sqlfluff has no LOCATION here, that of Spark has.
ALTER TABLE ods_user_info_d_spark
    ADD IF NOT EXISTS PARTITION (dt = '${bizdate}')
LOCATION '${spark_uri}/${user_directory}'; -- noqa: PRS

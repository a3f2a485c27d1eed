-- The access log of one business date as it was fetched: one row for each line, in no order.
--
-- The lines lie in the object that raw_log_oss writes; the table only points there. It reads them
-- with Spark's `text` source and the line separator LF, so that a lone CR, a \x01 and a line \N
-- come back exactly; a Hive text table would split, cut or lose them.
CREATE TABLE IF NOT EXISTS ods_raw_log_d_spark (
    col STRING COMMENT 'One line of the log, without its line end',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING text
OPTIONS (lineSep '\n')
PARTITIONED BY (dt)
COMMENT 'Raw access log, one row per line'
LOCATION '${spark_uri}/ods_raw_log_d';

-- Why noqa: the grammar of sqlfluff has no LOCATION here, that of Spark has.
ALTER TABLE ods_raw_log_d_spark
    ADD IF NOT EXISTS PARTITION (dt = '${bizdate}')
LOCATION '${spark_uri}/${log_directory}'; -- noqa: PRS

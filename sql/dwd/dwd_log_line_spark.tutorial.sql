-- Each line of the access log, cut at `##@@` into eight fields as the tutorial does.
--
-- Used with USERPROFILE_LOGIC=tutorial. No line is refused and none is of another day: a short one
-- has NULL in the fields that it lacks.
CREATE OR REPLACE VIEW dwd_log_line_spark (
    line COMMENT 'The line as it is in the log',
    format COMMENT 'Always tutorial',
    ip COMMENT 'Address of the client',
    uid COMMENT 'User name as the log has it; - or empty without login',
    time COMMENT 'Time as the log has it',
    request COMMENT 'First line of the request',
    status COMMENT 'Status of the answer',
    bytes COMMENT 'Bytes of the answer',
    referer COMMENT 'Page that the visitor came from, as the log has it',
    agent COMMENT 'User agent as the log has it',
    event_time COMMENT 'The time as a point in time, where Spark can read it',
    outcome COMMENT 'Always parsed: the tutorial keeps every line',
    dt COMMENT 'Business date of the file, yyyymmdd'
)
COMMENT 'Log lines, split into fields'
AS
WITH cut AS (
    SELECT
        dt,
        col AS line,
        split(col, '##@@') AS parts
    FROM ods_raw_log_d_spark
)

SELECT
    line,
    'tutorial' AS format,
    get(parts, 0) AS ip,
    get(parts, 1) AS uid,
    get(parts, 2) AS time,
    get(parts, 3) AS request,
    get(parts, 4) AS status,
    get(parts, 5) AS bytes,
    get(parts, 6) AS referer,
    get(parts, 7) AS agent,
    try_cast(get(parts, 2) AS TIMESTAMP) AS event_time,
    'parsed' AS outcome,
    dt
FROM cut;

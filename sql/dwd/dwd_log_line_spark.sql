-- Each line of the access log, split into its fields, with what becomes of it.
--
-- A view: nothing is stored. It knows three line formats and says for each line which one it has:
-- `##@@` between eight fields (tutorial), combined (nginx and Apache, with or without a virtual
-- host in front, further fields behind, and the overview's literal form) and common. The rules are
-- in docs/processing.md.
CREATE OR REPLACE VIEW dwd_log_line_spark (
    line COMMENT 'The line as it is in the log',
    format COMMENT 'Its format: tutorial, combined or common; NULL if it has none of them',
    ip COMMENT 'Address of the client',
    uid COMMENT 'User name as the log has it; - or empty without login',
    time COMMENT 'Time as the log has it',
    request COMMENT 'First line of the request',
    status COMMENT 'Status of the answer',
    bytes COMMENT 'Bytes of the answer',
    referer COMMENT 'Page that the visitor came from, as the log has it',
    agent COMMENT 'User agent as the log has it',
    event_time COMMENT 'The time as a point in time; without a zone it is one of TIMEZONE',
    outcome COMMENT 'parsed; outside: of another business date; else why it is quarantined',
    dt COMMENT 'Business date of the file, yyyymmdd'
)
COMMENT 'Log lines, split into fields'
AS
WITH shaped AS (
    -- A file written on Windows ends its lines with CR LF.
    SELECT
        dt,
        col AS line,
        CASE WHEN endswith(col, '\r') THEN left(col, length(col) - 1) ELSE col END AS text,
        '${log_format}' IN ('auto', 'tutorial')
        AND contains(col, '##@@')
        AND NOT contains(substring_index(col, '##@@', 1), ' ') AS is_delimited
    FROM ods_raw_log_d_spark
),

cut AS (
    -- Eight pieces are the tutorial's fields. Nine are those of a line with quotes, with a character
    -- between them that the line has not itself; the ninth is the quote before the referer, which a
    -- common line lacks. All quantifiers but the user's are possessive or atomic: none can go back,
    -- so a line of megabytes costs no stack and no more than its length. Of the two, Java has a
    -- quick loop for the atomic ones only. A user has no quote but an escaped one, so no later
    -- field is ever taken for it. `192.0.2.1:5000 - -` is an address with a port: none is `-`.
    SELECT
        dt,
        line,
        is_delimited,
        CASE
            WHEN is_delimited THEN split(text, '##@@')
            WHEN '${log_format}' != 'tutorial' AND NOT contains(text, '\u001F')
                THEN split(
                    regexp_replace(
                        text,
                        '(?s)^(?:(?>[^ :"]+):(?>[0-9]+) (?!- ))?+((?>[^ "]+)) (?>[^ "]+) '
                        || '([^"]*?(?:\\\\"[^"]*?){0,9}?|"") \\[([^\\[\\]"]{1,40}+)\\] '
                        || '"((?:(?>[^"\\\\]+)|\\\\.)*+)" ((?>[^ "]+)) ((?>[^ "]+))'
                        || '(?: ?+(")((?:(?>[^"\\\\]+)|\\\\.)*+)" "((?:(?>[^"\\\\]+)|\\\\.)*+)"'
                        || '(?:[ ;](?:(?>[^"\\\\]+)|\\\\.?+|"(?:(?>[^"\\\\]+)|\\\\.)*+")*+)?+)?+\\z',
                        '$1\u001F$2\u001F$3\u001F$4\u001F$5\u001F$6\u001F$8\u001F$9\u001F$7'
                    ),
                    '\u001F'
                )
        END AS parts
    FROM shaped
),

fields AS (
    SELECT
        dt,
        line,
        CASE
            WHEN is_delimited THEN CASE WHEN size(parts) = 8 THEN 'tutorial' END
            WHEN size(parts) = 9 AND get(parts, 8) = '"' AND '${log_format}' IN ('auto', 'combined')
                THEN 'combined'
            WHEN size(parts) = 9 AND get(parts, 8) = '' AND '${log_format}' IN ('auto', 'common')
                THEN 'common'
        END AS format,
        parts
    FROM cut
),

known AS (
    SELECT
        dt,
        line,
        format,
        CASE WHEN format IS NOT NULL THEN parts END AS parts
    FROM fields
),

dated AS (
    SELECT
        dt,
        line,
        format,
        parts,
        CASE
            WHEN
                length(get(parts, 2)) = 26 AND substr(get(parts, 2), 3, 1) = '/'
                -- The pattern takes AUG and aug for Aug.
                AND initcap(substr(get(parts, 2), 4, 3)) = substr(get(parts, 2), 4, 3)
                THEN try_to_timestamp(get(parts, 2), 'dd/MMM/yyyy:HH:mm:ss Z')
            WHEN length(get(parts, 2)) = 16 AND substr(get(parts, 2), 11, 1) = ':'
                THEN try_cast(concat(
                    left(get(parts, 2), 4), '-', substr(get(parts, 2), 5, 2), '-',
                    substr(get(parts, 2), 7, 2), ' ', substr(get(parts, 2), 9, 8)
                ) AS TIMESTAMP)
            -- Without the hyphen, T10:00:00 would be a time of the day on which this runs.
            WHEN length(get(parts, 2)) >= 19 AND substr(get(parts, 2), 5, 1) = '-'
                THEN try_cast(get(parts, 2) AS TIMESTAMP)
        END AS event_time
    FROM known
)

SELECT
    line,
    format,
    get(parts, 0) AS ip,
    CASE WHEN format != 'tutorial' AND get(parts, 1) = '""' THEN '-' ELSE get(parts, 1) END AS uid,
    get(parts, 2) AS time,
    get(parts, 3) AS request,
    get(parts, 4) AS status,
    get(parts, 5) AS bytes,
    CASE WHEN format != 'common' THEN get(parts, 6) END AS referer,
    CASE WHEN format != 'common' THEN get(parts, 7) END AS agent,
    event_time,
    CASE
        WHEN NOT is_valid_utf8(line) THEN 'not UTF-8'
        WHEN line IN ('', '\r') THEN 'empty'
        WHEN format IS NULL THEN 'no known format'
        WHEN get(parts, 0) = '' THEN 'no address'
        WHEN NOT get(parts, 4) RLIKE '^[0-9]{3}\\z' THEN 'status is no number'
        WHEN NOT get(parts, 5) RLIKE '^([0-9]+|-)\\z' THEN 'bytes are no number'
        WHEN event_time IS NULL THEN 'time cannot be read'
        WHEN
            '${log_day_filter}' = 'business_date'
            AND cast(event_time AS DATE) != cast(
                concat(left(dt, 4), '-', substr(dt, 5, 2), '-', right(dt, 2)) AS DATE
            )
            THEN 'outside'
        ELSE 'parsed'
    END AS outcome,
    dt
FROM dated;

-- One row for each parsed line of a day's access log, with what its address and agent tell.
--
-- The first twelve columns are the tutorial's. Lines that cannot be parsed are in
-- dwd_log_quarantine_di_spark, lines of another business date are only counted
-- (dwd_log_value_di_spark). The rules are in docs/processing.md.
CREATE TABLE IF NOT EXISTS dwd_log_info_di_spark (
    ip STRING COMMENT 'Address of the client',
    uid STRING COMMENT 'User name as the log has it; - or empty without login',
    time STRING COMMENT 'Time as the log has it',
    status STRING COMMENT 'Status of the answer',
    bytes STRING COMMENT 'Bytes of the answer; - if none',
    region STRING COMMENT 'Province or state of the address',
    method STRING COMMENT 'Method of the request; NULL if it is no HTTP request',
    url STRING COMMENT 'What was asked for, with its parameters',
    protocol STRING COMMENT 'Protocol of the request, such as HTTP/1.1',
    referer STRING COMMENT 'Host of the page that the visitor came from',
    device STRING COMMENT 'Device class by the agent, see docs/agents.md',
    identity STRING COMMENT 'user, crawler, feed or unknown',
    event_time TIMESTAMP COMMENT 'The time as a point in time',
    country STRING COMMENT 'Country of the address',
    city STRING COMMENT 'City of the address',
    browser STRING COMMENT 'Browser by the agent',
    os STRING COMMENT 'Operating system by the agent',
    is_page_view BOOLEAN COMMENT 'Whether a person looked at a page',
    anonymous_id STRING COMMENT 'anon:... of a visitor without login; NULL if such lines are only counted',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Access log, one row per parsed line'
LOCATION '${spark_uri}/dwd_log_info_di_spark';

INSERT OVERWRITE TABLE dwd_log_info_di_spark PARTITION (dt = '${bizdate}')
WITH requests AS (
    SELECT
        *,
        split(request, ' ') AS words
    FROM dwd_log_line_spark
    WHERE dt = '${bizdate}' AND outcome = 'parsed'
),

parts AS (
    -- Nearly every request is three words; a URL with a blank takes the longer way.
    SELECT
        *,
        CASE WHEN size(words) > 1 THEN get(words, 0) END AS method,
        CASE
            WHEN size(words) < 2 THEN NULL
            WHEN NOT startswith(get(words, size(words) - 1), 'HTTP/')
                THEN substr(request, length(get(words, 0)) + 2)
            WHEN size(words) = 3 THEN get(words, 1)
            ELSE array_join(slice(words, 2, size(words) - 2), ' ')
        END AS url,
        CASE
            WHEN size(words) > 1 AND startswith(get(words, size(words) - 1), 'HTTP/')
                THEN get(words, size(words) - 1)
        END AS protocol
    FROM requests
),

pages AS (
    SELECT
        *,
        lower(substring_index(url, '?', 1)) AS path
    FROM parts
),

known AS (
    SELECT
        line.*,
        address.country,
        address.region,
        address.city,
        address.address_key,
        client.device,
        client.browser,
        client.os,
        CASE
            WHEN client.identity = 'crawler' THEN 'crawler'
            WHEN
                substring_index(line.path, '/', -1)
                IN ('feed', 'rss', 'atom', 'feed.xml', 'rss.xml', 'atom.xml', 'index.rdf')
                OR endswith(line.path, '/feed/')
                THEN 'feed'
            ELSE coalesce(client.identity, 'unknown')
        END AS identity
    FROM pages AS line
    LEFT JOIN dim_ip_region_spark AS address
        ON line.ip = address.ip AND address.dt = '${bizdate}'
    LEFT JOIN dim_user_agent_spark AS client
        ON line.agent = client.agent AND client.dt = '${bizdate}'
)

SELECT
    ip,
    uid,
    time,
    status,
    bytes,
    region,
    method,
    url,
    protocol,
    CASE
        WHEN instr(referer, '://') > 1 AND instr(referer, '/') = instr(referer, '://') + 1
            THEN nullif(substring_index(substring_index(referer, '/', 3), '/', -1), '')
    END AS referer,
    coalesce(device, 'unknown') AS device,
    identity,
    event_time,
    country,
    city,
    browser,
    os,
    -- A page view: a person got a page. Change the rules here (docs/processing.md). Without a URL
    -- the condition is NULL.
    coalesce(
        identity = 'user'
        AND method IN ('GET', 'POST')
        AND (startswith(status, '2') OR status = '304')
        AND substring_index(substring_index(path, '/', -1), '.', -1) NOT IN (
            'css', 'js', 'mjs', 'map', 'json', 'xml', 'txt',
            'png', 'jpg', 'jpeg', 'gif', 'svg', 'ico', 'webp', 'avif', 'bmp', 'tif', 'tiff',
            'woff', 'woff2', 'ttf', 'otf', 'eot',
            'mp3', 'mp4', 'ogg', 'webm', 'wav', 'avi', 'mov', 'flv', 'swf',
            'zip', 'gz', 'tgz', 'bz2', 'xz', '7z', 'rar', 'tar', 'jar', 'exe', 'dmg', 'deb', 'rpm',
            'webmanifest', 'wasm'
        ),
        FALSE
    ) AS is_page_view,
    CASE
        WHEN uid IN ('', '-') AND '${anonymous}' = 'visitor'
            THEN concat('anon:', left(sha2(concat(address_key, ' ', coalesce(agent, '')), 256), 16))
    END AS anonymous_id
FROM known;

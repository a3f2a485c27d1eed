"""Who is behind an agent: a person, a crawler, a feed reader, or nobody can say.

Belongs here: the values of the column `identity` and the rule of each. Does not belong here:
devices (`agent_devices.py`), and the tutorial's rule on URLs that contain `feed`, which is SQL's.

In order, first match wins:

1. Empty or `-`: unknown.
2. A feed reader, by name, or because it says feed or RSS, unless it says that it is a robot.
3. A crawler that says so in the usual words, or gives the address of its owner.
4. A browser or an app of a known system: a person.
5. Programs, by the list of the package `is-bot` (a port of isbot): curl, HTTP libraries, monitors.
   They count as crawlers in all public crawler lists: nobody looks at what they fetch.
6. What begins as browsers do: a person. Anything else: unknown.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from userprofile_assets.enrichment.agent_patterns import Screened, without_look_around

if TYPE_CHECKING:
    from is_bot import Bots
    from ua_parser_rs import DeviceExtractor

USER, CRAWLER, FEED, UNKNOWN = "user", "crawler", "feed", "unknown"

# Models and makers whose names hold a crawler's word, and places where the words mean no crawler.
_INNOCENT = Screened(
    r"cubot|\b[mx][ _]?bot[ _][\w]+|robotics?\b|build/\S*bot\S*|"
    r"google ?earth|google wap proxy|google web ?light|"
    r"camscanner|google wireless transcoder|\(via (?:translate|docs)\.google\.com[^)]*\)|"
    r"yandexsearch\w*|\.catcher[\d.]+|webappmanager|googletv|alphaserver|googlehypersonic|"
    r"javaplatform|\bjava/sun|desktop ?discover\w*|"
    r"from:? https?://\S*bsalsa\S*|googletoolbar[^;)]*|google/pixel|google pixel|"
    r"sogou(?:mse|mobilebrowser|mobiletool|search)\S*|\bse 2\.x metasr[ \d.]*|"
    # Apps of Alibaba: the list sees an address in `TTID/1@taobao_iphone_1.2`, and a robot in `|`.
    r"ttid/\S+|alipaydefined\([^)]*\)",
)
_CRAWLER = Screened(
    r"bot(?:s|\d|lib|run|net)?(?![a-z])|bot[-_/]|^bot|crawl|spider|slurp|scrap(?:er|y|ing)|"
    r"archiver?\b|ia_archive|heritrix|nutch|"
    r"headless|phantomjs|puppeteer|playwright|selenium|lighthouse|pagespeed|page speed|gtmetrix|"
    r"mediapartners|adsbot|apis-google|google-(?:inspection|extended|safety|read|site|pagerender|"
    r"structured|adwords|notebook|cloudvertex|firebase|test)|googleother|google (?:web preview|"
    r"favicon|image ?proxy|page speed|publisher)|"
    r"facebookexternalhit|facebookcatalog|meta-external|facebot|whatsapp/[\d.]+$|"
    r"bingpreview|skypeuripreview|yahoo! ?(?:slurp|link|ad)|yandex\.com/bots|yandex(?:images|video|"
    r"media|direct|metrika|favicons|antivirus|blogs|news|webmaster|pagechecker|screenshot|"
    r"accessibility|render|verticals|ontodb|calendar|catalog|sitelinks)|"
    r"baidu ?(?:spider|transcoder)|sogou (?:web|inst|pic|news|video|orion)|360spider|"
    r"chatgpt-user|gptbot|openai|anthropic|claude-|perplexity|cohere-ai|duckassist|"
    r"ggpht\.com|baidu ?transcoder|\bptst\b|pingdom|uptime|statuscake|site24x7|"
    r"newrelic|new ?relic|datadog|catchpoint|monitor(?:ing|is|us)?"
    r"(?![a-z])|gomezagent|keynote|dotcom-?mon|checker|validat(?:or|e)|w3c_|w3c-|wappalyzer|"
    r"scan(?:ner|ning)?(?![a-z])|nessus|nikto|sqlmap|masscan|zgrab|censys|shodan|nmap|openvas|"
    r"netcraft|linkcheck|link[ _-]?(?:check|walker|sleuth)|xenu|httrack|webcopier|web ?copy|"
    r"teleport|offline|"
    r"siteexplorer|site ?(?:analy|sucker|snag)|majestic|semrush|ahrefs|\bmoz\.com|"
    r"\bembedly|quora link|outbrain|slack-?imgproxy|slackbot|discordbot|vkshare|tumblr/|preview\b|"
    r"\bfetch(?:er)?\b|\bharvest|grabber|grab\b|collector|indexer|extractor|leech|"
    r"\+ ?https?:|\(https?://|; ?https?://|compatible; [\w .-]+/[\d.]+; ?\+|"
    r"[\w.+-]+(?:@| at | \[at\] )[\w-]+(?:\.| dot )[a-z]{2,}",
)
# Feed readers and the services that fetch feeds for people, by name. No name of a crawler's word.
_FEED = Screened(
    r"feed(?!back)|\brss|rss(?:\b|[_/-])|\batom(?:ic)?[ -]?(?:reader|feed)|podder|"
    r"akregator|liferea|newsblur|inoreader|netnewswire|\breeder/|newsgator|sharpreader|"
    r"bloglines|bloglovin|blogtrottr|blogbridge|miniflux|newsboat|newsbeuter|"
    r"theoldreader|the old reader|bazqux|netvibes|pageflakes|simplepie|magpie|"
    r"apple[- ]pubsub|news explorer|windows-rss|thunderbird.*rss|\bsage(?:\+\+|/| )|"
    r"nextgenreader|newsfire|shrook|"
    r"pulpfiction|newslife|newslook|newzcrawler|newz crawler|gregarius|lilina|snownews|"
    r"\bstraw\b|raggle|\bcanto[/ -]|selfoss|omea ?reader|jetbrains omea|great ?news|"
    r"vienna[/ ]|abilon|awasu|amphetadesk|aggrevator|fastladder|livedoor (?:rss|reader)|"
    r"radio userland|"
    r"hatena(?:rss)?(?: diary)? ?rss|netnewsreader|news ?reader|syndic|subscribers?\b|readers?;|"
    r"universalfeedparser|gofeed|yahoo pipes|superfeedr|planet(?:plus|venus|/)|venus/|"
    r"icatcher|juice/|doppler|overcast/|castro|downcast|gpodder|newsflow|leselys|stringer|"
    r"tiny tiny|tt-rss|commafeed|kouio|silverreader|digg ?reader|fever/|"
    r"nuzzle|mr\.? ?reader|yarssr|unread|lire/|cappuccino|readkit|pulp/|fluent ?reader|quiterss|"
    r"rawdog|newspipe|spicyfeeds|zhuaxia|xianguo|youdao ?reader|headline[- ]?reader|"
    r"jetbrains.*reader|tickershock|flipboardrss",
)
# What only machines say, although they also say that they read feeds.
_ROBOT = Screened(r"\w(?:bot|spider|crawler)(?![a-z])|\bbot\b|crawler|spider|slurp")
_PEOPLE = Screened(
    r"mozilla/\d.*(?:applewebkit|gecko/|trident|presto|khtml|msie)|\bopera[/ ]|browser|mosaic|"
    r"fban/|fbav/|android|dalvik|iphone|ipad|ipod|cfnetwork.*darwin|"
    r"watchos|tvos|appletv|apple tv|ios[ /;,)]|"
    r"midp|cldc|up\.browser|up\.link|wap|maui|\bmre\b|ucweb|ucbrowser|\bdv\(iph|blackberry|nokia|symbian|"
    r"sonyericsson|teleca|obigo|netfront|samsung-|\blg-|\blge-|docomo|kddi|softbank|kaios|bada|"
    r"playstation|nintendo|xbox|roku|smart-?tv|hbbtv|netcast|web0s|\baft\w+|"
    r"macintosh|windows nt|windows phone|darwin/|mac ?os ?x|macos,|"
    r"^(?:lynx|w3m|links|elinks|netsurf|dillo|amaya|browsex|nook browser|mosaic|konqueror)\b",
)
_BROWSER = Screened(r"^(?:mozilla|opera)/\d")
_PHONE = "(phone)"
# The comment in which a browser names its machine; the name of a model may be any word. Crawlers
# that pose as browsers put their own name there too, with an address or after `compatible`.
_MACHINE = Screened(
    r"(?<=^mozilla/5\.0 )\((?![^)]*(?:https?:|compatible; ?(?!msie)|bot/|crawler|google-|\w-google|"
    r"\w@\w|datanyze|[+]))[^()]*(?:android|iphone|ipad)[^()]*"
    r"(?:\([^()]*\)[^()]*)?\)"
)
# Readers of news name themselves behind a phone's comment: Toutiao, Tencent, NetEase, Sina, ...
_NEWS = Screened(r"\w*news\w*")
# The words by which the list would take apps and phones of people for programs.
_LIBRARY = Screened(
    r"^(?:curl|wget|libwww|lwp|python|java/|perl|ruby|php|go-http|okhttp|axios|node|apache-http)"
)


class Identities:
    """Tells who is behind agents."""

    def __init__(self) -> None:
        self._programs = _Programs()

    def identity(self, lowered: str) -> str:
        """Return user, crawler, feed or unknown.

        Args:
            lowered: The agent in lower case, without blanks around it.
        """
        if lowered in {"", "-", '"-"'}:
            return UNKNOWN
        words = _MACHINE.cut_from(_INNOCENT.cut_from(lowered), put=_PHONE)
        if _FEED.found_in(words) and not _ROBOT.found_in(words):
            return FEED
        if _CRAWLER.found_in(words):
            return CRAWLER
        if not _BROWSER.found_in(lowered) and _PEOPLE.found_in(lowered):
            return CRAWLER if _LIBRARY.found_in(lowered) else USER
        if self._programs.named_in(_NEWS.cut_from(words) if _PHONE in words else words):
            return CRAWLER
        return USER if _BROWSER.found_in(lowered) else UNKNOWN


class _Programs:
    """The list of the package `is-bot`."""

    def named_in(self, lowered: str) -> bool:
        found = self._screen.extract(lowered)
        return found is not None and (found.family == "exact" or self._bots.is_bot(lowered))

    @cached_property
    def _bots(self) -> Bots:
        from is_bot import Bots

        return Bots()

    @cached_property
    def _screen(self) -> DeviceExtractor:
        import ua_parser_rs

        exact: list[str] = []
        screened: list[str] = []
        for pattern in sorted(self._bots.patterns):
            simple = without_look_around(pattern)
            (exact if simple == pattern else screened).append(simple)
        return ua_parser_rs.DeviceExtractor(
            [(pattern, "i", "exact", None, None) for pattern in exact]
            + [(pattern, "i", "screened", None, None) for pattern in screened]
        )

"""The rules that tell which device an agent names: ordered, first match wins.

Belongs here: the values of the column `device` and the rule of each. Does not belong here: browsers
and versions (`agent_parser.py`), who is behind the agent (`agent_identity.py`).

The values are the tutorial's seven and what they lack; docs/agents.md lists them. A rule is one
regular expression over the whole agent, lower-cased. The words come from the formats that vendors
publish and from the names of series. What a model number of an Android agent stands for is known to
`agent_models.py`. Order matters: a television also says Linux or Android, a Windows Phone says
Android and iPhone too.
"""

from __future__ import annotations

from userprofile_assets.enrichment.agent_models import Models
from userprofile_assets.enrichment.agent_patterns import Screened

UNKNOWN = "unknown"

_CONSOLE = (
    r"playstation|nintendo|\bxbox|\bswitch (?:oled|lite)|gamepad|"
    r"\bps[345]\b|\bwiiu?\b|dreamcast|steam ?deck|steamos|"
    r"valve steam gamepad|ouya|nvidia shield portable|shield build|jxd[ _-]?s\d|gpd xd|\bgpd win|"
    r"retroid|\banbernic|\bayn[ _]odin|ayaneo|logitech g cloud|\bgcloud\b|powkiddy|"
    r"sega ?saturn|atari\b"
)
_CAR = r"\btesla/|qtcarbrowser|android automotive|car ?play|\bvolvo\b.*\bcar|carbrowser|\bbmw\b"
_WEARABLE = (
    r"watchos|apple watch|\bwatch ?\d|\bsm-r\d{3}|wear ?os|smartwatch|galaxy watch|"
    r"(?<!qumo )\bquest(?: [23]s?| pro)?(?: build|\)|;)|oculus|\bpico (?:g\d|neo|\d)|\bpicovr|"
    r"\bvive\b|google glass|"
    r"glass \d|\bgarmin (?:fenix|forerunner|venu)|\bfitbit|\bmoto 360"
)
_APPLIANCE = (
    r"alexamediaplayer|\bechodevice|\baeo[a-z]{2}\b|avsdevicesdk|alexa media|nest hub|"
    r"\bcrkey/[\d.]+ devicetype/smartspeaker|family ?hub|sonos|homepod|audioos|"
    r"google-home|googlehome|smart ?speaker|bose/|libratone"
)
# `aft` and up to eight letters or digits is a Fire TV.
# Words of whole televisions and boxes, and of the platforms that only these have.
_TV_PLATFORM = (
    r"smart[-_ ]?tv|smarthub|hbbtv|google ?tv|apple ?tv|android ?tv|tvos|opera tv|\broku|\bcrkey|"
    r"chromecast|web0s|webos[.; /-]*(?:tv|linux)|net ?cast|net ?tv|viera|bravia|"
    r"vidaa|whale(?:tv|os| tv)|\btivo|viziocast|\bvizio|smartcast|brightsign|inettv|"
    r"ce-html|dlnadoc|\baquos(?:[ -]?tv|browser)|philipstv|\bloewe|"
    r"[a-z]?stb\d*\b|set[-_ ]?top|(?<=\()dtv|digital ?tv|\biptv|hybridtv|internet ?tv|"
    r"mag ?200|mag2\d\d|qtembedded|espial|kreatv|swisscom tv|\bentone|amiga ?one tv|"
    r"maple[ _]?20\d\d|maple \d|sonycebrowser|sonydtv|lg simple ?smart|"
    r"hybridcast|webtv|youview|\(astro;|\bgw-device/|\bmb95/|tclwebkit|"
    r"linux (?:mips|sh4|armv[67]l)[^)]*\) presto|\bshell [a-z]{1,3}\d{3}|\bshell \d{2}|"
    r"(?:[; ,_]|^)aft[a-z0-9]{1,8}(?:[ );/,_]|$)|titanos|titan os|"
    r"xfinity|x1 stb|rdk\b|\bwpe\b|tizentv|samsungbrowser/[\d.]+ tv"
)
# Words that phones with a tuner have, too: for agents that do not say `Mobile`.
_TV_MODEL = (
    r"(?!.*mobile safari)(?:"
    r"(?<![a-z])(?:u?hd|oled|qled|led|lcd|4k|8k|smart|mi|ai|kd|fhd|qd|my|dm|x)?[-_ ]?tv"
    r"(?:[-_ ]?(?:box|stick|set|pro|plus|stb|ott|4k|hd|uhd|os|dongle|player|[0-9a-z]{1,6}))?"
    r"(?![a-z])|"
    r"\w+ ?tv ?box|tv_?stick|\btv_|\dtv\b|[a-z]tv(?:\)|;| build)|"
    r"\bmi ?box|\bmibox|mitv|mi_?tv|\bshield android tv|\bnexus player|\badt-\d|"
    r"\b(?:a95x|h96|x96|x98|t95|tx[2-9]|mxq|mx9|mxiii|m8s|m9s|km[1-9]|hk1|tanix|mecool|minix|"
    r"ugoos|beelink|vontar|zidoo|dune ?hd|himedia|egreat|xiaomi box|q[- ]?box|"
    r"b860h|zxv10|ec61\d\d|e900v|zx10|s905|s912|amlogic|cs918|mk80[0-9]|mk9\d\d|"
    r"dv\d{4}|stvx?\d|bbox|freebox|livebox tv|decoder|ott[ _-]|minibox|smartbox|"
    r"set-?box|4k ?box|hdmi ?(?:stick|dongle)|mini ?pc|media ?box|media ?player|rockchip|"
    r"droidlogic|hi3798|hisilicon|hidpt)(?=[ _+);/.-]|max|mini|pro|plus|tv|box|$)|\bdvb\b|\bdtv)"
)
_MOBILE_WINDOWS = (
    r"windows ?phone|windows; u; wds |windows ?mobile|windows ce|wpdesktop|iemobile|zunewp|"
    r"\bxblwp|\blumia|"
    r"windows ?ce|ppc; \d+x\d+|pocket ?pc"
)
_OTHER_PHONE = (
    r"kaios|kaos|symbian|symbos|series ?[346]0|blackberry|\bbb10|\brim tablet|\bbada|"
    r"midp|cldc|j2me|java me|\bmaui|\bmre[/ .\\]|\bwap\b|up\.browser|up\.link|palm ?os|palmsource|"
    r"webos/|hpwos|brew\b|mobile; rv:|mobile;.*\brv:\d.*gecko/[\d.]+ firefox/\d|"
    r"ubuntu[; ]+(?:mobile|tablet|touch)|sailfish|meego|maemo|tizen|openharmony|"
    r"nokia|sonyericsson|danger hiptop|netfront|obigo|teleca|docomo|kddi-|softbank|vodafone/|"
    r"j-phone|willcom|lg-[a-z]+\d+/|lge?-\w+ |mocor|spreadtrum|nucleus|\bsec-|"
    r"samsung-(?:sgh|gt)|mot-|\bzte-|alcatel-|thunderbrowse|dorado|\bmtk\b"
)
_ANDROID = (
    r"android|fban/fb4a|\badr(?:\(| \d)|dalvik|harmonyos|miui|silk/|\bkf[a-z]{3,5}\b|cros.*\barc\b|"
    r"okhttp/|cyanogenmod|yunos|fire ?os|lineageos|\blinux; u; [\d.]+; "
    r"|\bpr\(uc\w*\).*\bov\(android|exoplayer"
)
_IPAD = r"ipad(?!app)|macintosh(?=.*\bmobile/)|\bipados"
_IPHONE = (
    r"iphone|ipod|\bios[;/ ,)_]|\biph\d|\bcfnetwork/.*darwin/(?!.*(?:x86_64|i386|mac))|fban/fbios|"
    r"\bcpu os \d|\(ios\b|[ ;(_-]ios$|\bcpu like mac os x"
)
_MAC = r"macintosh|mac ?os|\bmac_|mac_powerpc|darwin|\bmac[; )]|\bosx\b|macbook|\bimac"
_WINDOWS = r"windows|\bwin(?:32|64|95|98|nt|me|xp)\b|\bwin ?9x|win[ _]nt|winnt|\bwin\d"
_CHROMEBOOK = r"\bcros\b|chromebook|chrome ?os|chromium ?os"
_LINUX = (
    r"linux|\bx11\b|ubuntu|debian|fedora|gentoo|red ?hat|centos|suse|mageia|freebsd|openbsd|netbsd|"
    r"dragonfly|sunos|solaris|aix\b|hp-ux|irix|osf1|unix|wayland"
)
_OTHER_PC = (
    r"amigaos|amiga|os/2|beos|haiku|morphos|risc ?os|openvms|aros\b|syllable|\bdos\b|"
    r"plan ?9|inferno|nextstep"
)

_RULES = tuple(
    (Screened(pattern), device)
    for pattern, device in (
        (_CONSOLE, "console"),
        (_MOBILE_WINDOWS, "windows_phone"),
        (_CAR, "car"),
        (_WEARABLE, "wearable"),
        (_APPLIANCE, "appliance"),
        (_TV_PLATFORM, "tv"),
        (_TV_MODEL, "tv"),
        (_CHROMEBOOK, "chromebook"),
        (_ANDROID, "android"),
        (_IPAD, "ipad"),
        (_IPHONE, "iphone"),
        (_OTHER_PHONE, "other_phone"),
        (_MAC, "macintosh"),
        (_WINDOWS, "windows_pc"),
        (_LINUX, "linux_pc"),
        (_OTHER_PC, "other_pc"),
    )
)


def ruled_device(lowered: str) -> str:
    """Return the device by the rules alone: an agent in lower case, no list of models."""
    return next((device for rule, device in _RULES if rule.found_in(lowered)), UNKNOWN)


class Devices:
    """Tells devices, by the rules and, for Android, by the list of models."""

    def __init__(self) -> None:
        self._models = Models()

    def device(self, agent: str, lowered: str) -> str:
        """Return the device that an agent names, or `unknown`.

        Args:
            agent: As it was sent.
            lowered: The same in lower case.
        """
        found = ruled_device(lowered)
        if found == "android":
            return self._models.kind(agent) or found
        return found

"""Reading rules for words outside the lexicon, as (pattern, sounds), applied in this order.

Letters are lower case and sounds are not, so a rule never reads what another has written.
A stressed sound stands for every full vowel: an unknown word is spoken clearly rather than well.
"""

from typing import Final

Rules = list[tuple[str, str]]

_C: Final = "bcdfghjklmnpqrstvwxz"
_END: Final = r"(?![\w'])"
_MAGIC: Final = rf"(?=(?:[bcdfgjklmnpqrstvz]|th|st)(?:e(?:[sd]|r|rs|ly|ment)?{_END}|ing{_END}|ion{_END}))"

LETTERS: Final[dict[str, str]] = {
    "a": "Ē", "b": "BƗ", "c": "SƗ", "d": "DƗ", "e": "Ɨ", "f": "ƐF", "g": "JƗ", "h": "ĒC", "i": "Ī", "j": "JĒ",
    "k": "KĒ", "l": "ƐL", "m": "ƐM", "n": "ƐN", "o": "Ō", "p": "PƗ", "q": "KYɄ", "r": "ⱭR", "s": "ƐS", "t": "TƗ",
    "u": "YɄ", "v": "VƗ", "w": "DɅBəLYɄ", "x": "ƐKS", "y": "WĪ", "z": "ZƗ",
}  # fmt: skip


def _spelled() -> Rules:
    """Words without a vowel, letter by letter: a mark walks through the word."""
    rules: Rules = [(rf"(?<![\w'])(?=[{_C}]{{1,6}}{_END})", "¤")]
    for _ in range(6):
        rules += [(f"¤{letter}", sounds + "¤") for letter, sounds in LETTERS.items() if letter in _C]
    return [*rules, ("¤", "")]


ENDINGS: Final[Rules] = [
    (rf"'s{_END}", "s"), (rf"n't{_END}", "əNT"), (rf"'re{_END}", "ɜ"), (rf"'ll{_END}", "əL"), (rf"'ve{_END}", "V"),
    (rf"'d{_END}", "D"), (rf"'m{_END}", "M"), (r"'", ""),
    (rf"tions{_END}", "ΣəNZ"), (rf"[ts]ion{_END}", "ΣəN"), (rf"sure{_END}", "Жɜ"),
    (rf"ture{_END}", "Cɜ"), (rf"tures{_END}", "CɜZ"), (rf"cial{_END}", "ΣəL"), (rf"tial{_END}", "ΣəL"),
    (rf"[ct]ious{_END}", "ΣəS"), (rf"geous{_END}", "JəS"), (rf"eous{_END}", "ɨəS"), (rf"ious{_END}", "ɨəS"), (rf"ous{_END}", "əS"), (rf"ful{_END}", "FəL"),
    (rf"fully{_END}", "FəLɨ"), (rf"less{_END}", "LəS"), (rf"ness{_END}", "NəS"), (rf"ment{_END}", "MəNT"),
    (rf"ments{_END}", "MəNTS"), (rf"able{_END}", "əBəL"), (rf"ible{_END}", "əBəL"), (rf"ally{_END}", "əLɨ"),
    (rf"(?<=[a-z]{{2}})al{_END}", "əL"), (rf"ance{_END}", "əNS"), (rf"ence{_END}", "əNS"), (rf"ant{_END}", "əNT"),
    (rf"(?<=[bcdfgkpstz])le{_END}", "əL"), (rf"(?<=[bcdfgkpstz])les{_END}", "əLZ"),
    (rf"(?<=[bcdfgkpstz])led{_END}", "əLD"), (rf"age{_END}", "ɪJ"), (rf"(?<=[a-z]{{3}})ace{_END}", "əS"), (rf"(?<=[a-z]{{3}})ard{_END}", "ɜD"),
    (rf"ward{_END}", "WɜD"), (rf"wards{_END}", "WɜDZ"), (rf"(?<=[a-z]{{2}})ory{_END}", "ɜɨ"), (rf"(?<=[a-z][{_C}])et{_END}", "ɪT"),
    (rf"(?<=[{_C}])ted{_END}", "TəD"), (rf"(?<=[a-z]{{2}}t)ed{_END}", "əD"), (rf"(?<=[a-z]{{2}}d)ed{_END}", "əD"),
    (rf"(?<=[pkfs]|ch|sh|ss|x)ed{_END}", "T"), (rf"(?<=[a-z]{{2}})ed{_END}", "D"),
    (rf"(?<=[a-z]{{2}})ers{_END}", "ɜZ"), (rf"(?<=[a-z]{{2}})er{_END}", "ɜ"), (rf"(?<=[a-z]{{2}})or{_END}", "ɜ"), (rf"(?<=[a-z]{{2}})ar{_END}", "ɜ"),
    (rf"(?<=[a-z][{_C}])on{_END}", "əN"), (rf"(?<=[a-z][{_C}])en{_END}", "əN"), (rf"(?<=[a-z][{_C}])an{_END}", "əN"), (rf"(?<=[a-z][{_C}])in{_END}", "ɪN"), (rf"(?<=[a-z][{_C}])um{_END}", "əM"), (rf"(?<=[a-z][{_C}])us{_END}", "əS"),
    (rf"(?<=s|z|x|ch|sh|[cg])es{_END}", "ɪZ"), (rf"(?<=[a-z]{{2}})ly{_END}", "Lɨ"),
    (rf"(?<=[a-z]{{2}}[{_C}])y{_END}", "ɨ"), (rf"(?<=[a-z]{{2}})ies{_END}", "ɨZ"), (rf"(?<=[{_C}])y{_END}", "Ī"), (rf"(?<=[a-z][{_C}])a{_END}", "ə"),
    (rf"(?<=[a-z])o{_END}", "Ō"), (rf"(?<=[a-z][{_C}])ow{_END}", "Ō"), (rf"(?<=[a-z][{_C}])ic{_END}", "ɪK"), (rf"(?<=[a-z][{_C}])it{_END}", "ɪT"), (rf"(?<=[a-z][{_C}])ish{_END}", "ɪΣ"),
]  # fmt: skip

CLUSTERS: Final[Rules] = [
    (r"(?<![a-z])kn", "N"), (r"(?<![a-z])gn", "N"), (r"(?<![a-z])wr", "R"), (r"(?<![a-z])ps(?=y)", "S"), (rf"mb{_END}", "M"),
    (r"(?<![a-z])wh(?=o)", "H"), (r"wh", "W"), (r"tch", "C"), (r"(?<=s)ch(?=oo|e[dm])", "K"), (r"ch(?=[rl])", "K"), (r"ch", "C"),
    (r"sch", "SK"), (r"sh", "Σ"), (r"ph", "F"), (r"ough(?=t)", "Ɔ"), (r"augh(?=t)", "Ɔ"), (r"eigh", "Ē"), (r"igh", "Ī"),
    (rf"ough{_END}", "Ō"), (r"gh(?=[aeiou])", "G"), (r"gh", ""), (r"dge", "J"), (r"ther", "Ðɜ"),
    (rf"(?<![a-z])th(?=e[nmsy]|[aiu]s{_END}|ose)", "Ð"), (r"th", "Θ"), (r"ck", "K"), (r"cqu", "KW"), (rf"que{_END}", "K"), (r"qu", "KW"), (rf"ngs{_END}", "ŊZ"), (rf"ng{_END}", "Ŋ"),
    (rf"nge{_END}", "NJ"), (r"ng(?=[eiy])", "NJ"), (r"ng", "ŊG"), (r"nk", "ŊK"), (r"nx", "ŊKS"), (r"gu(?=[aei][a-z])", "G"), (r"gg", "G"),
    (r"cc(?=[eiy])", "KS"), (r"sc(?=[eiy])", "S"), (r"c(?=[eiy])", "S"), (r"g(?=e|i[aeo]|y)", "J"), (r"x(?=[aeiouy])(?<=[a-z]{2})", "KS"),
    (r"(?<![a-z])x", "Z"), (r"bb", "b"), (r"dd", "d"), (r"ff", "f"), (r"ll", "l"), (r"mm", "m"), (r"nn", "n"), (r"pp", "p"),
    (r"rr", "r"), (r"ss", "S"), (r"tt", "t"), (r"zz", "z"),
]  # fmt: skip

GROUPS: Final[Rules] = [
    (r"eau", "Ō"), (r"ai(?=r)", "Ɛ"), (r"ai|ay", "Ē"), (r"ear(?=[lnt])", "Ɜ"), (r"ea(?=d|th|lth|sure)(?<=[bhrltd]ea)", "Ɛ"), (r"ea", "Ɨ"),
    (r"eer", "ƗR"), (r"ee", "Ɨ"), (r"ei", "Ɨ"), (rf"ey{_END}", "ɨ"), (r"ey", "Ē"), (rf"ie{_END}", "Ī"), (r"ie", "Ɨ"), (r"oar|oor|our", "ƆR"),
    (r"oa", "Ō"), (r"oo(?=[kd])", "Ʊ"), (r"oo", "Ʉ"), (r"oi|oy", "Ȯ"), (r"ou|ow", "Ū"), (rf"oe{_END}", "Ō"), (r"au|aw", "Ɔ"), (r"ew", "YɄ"), (r"ue|ui", "Ʉ"),
    (rf"a(?=re{_END})", "Ɛ"), (rf"i(?=re{_END})", "Ī"), (rf"o(?=re{_END})", "Ɔ"), (rf"u(?=re{_END})", "YƱ"), (rf"e(?=re{_END})", "Ɨ"),
    (rf"a{_MAGIC}", "Ē"), (rf"e{_MAGIC}", "Ɨ"), (rf"i{_MAGIC}", "Ī"), (rf"y{_MAGIC}", "Ī"), (rf"o{_MAGIC}", "Ō"), (rf"(?<=[rljs])u{_MAGIC}", "Ʉ"), (rf"u{_MAGIC}", "YɄ"),
    (r"(?<=w)ar", "ƆR"), (r"(?<=w)or", "Ɜ"), (r"(?<=w)a(?=[nst])", "Ɑ"), (r"ar(?![aeiouy])", "ⱭR"), (r"or", "ƆR"), (r"(?:er|ir|ur)(?![aeiouy])", "Ɜ"),
    (r"al(?=[kd]|t)", "ƆL"), (r"al(?=m)", "Ɑ"), (rf"i(?=nd{_END}|ld{_END})", "Ī"), (rf"o(?=ld|st{_END})", "Ō"), (rf"(?<=[{_C}])e{_END}", ""), (rf"(?<=[A-ZΘÐΣЖŊ])e{_END}", ""), (rf"(?<=[A-ZΘÐΣЖŊ])es{_END}", "Z"), (rf"(?<=[{_C}])es{_END}", "s"),
]  # fmt: skip

SINGLES: Final[Rules] = [
    (rf"(?<=[aeiouəɨɜƆƱLMNRZVGBDJÐŊĒƗĪŌɄŪbdgvlmnr])s{_END}", "Z"), (r"(?<=[aeiou])s(?=[aeiou])", "Z"),
    (r"a", "Æ"), (r"e", "Ɛ"), (r"i", "Ɪ"), (r"o", "Ɑ"), (r"(?<![a-z])y(?=[aeiouÆƐⱭĒ])", "Y"), (r"(?<=[bpf])u(?=l|sh)", "Ʊ"), (r"u", "Ʌ"), (r"(?<![A-Za-z])y", "Y"), (r"y", "Ɪ"),
    ("b", "B"), ("c", "K"), ("d", "D"), ("f", "F"), ("g", "G"), ("h", "H"), ("j", "J"), ("k", "K"), ("l", "L"), ("m", "M"),
    ("n", "N"), ("p", "P"), ("q", "K"), ("r", "R"), ("s", "S"), ("t", "T"), ("v", "V"), ("w", "W"), ("x", "KS"), ("z", "Z"),
]  # fmt: skip

RULES: Final[Rules] = [*_spelled(), *ENDINGS, *CLUSTERS, *GROUPS, *SINGLES]

"""The words that the nano models know by heart, by what they can do in a sentence."""

from typing import Final

PEOPLE: Final = """man woman boy girl child friend doctor teacher farmer king queen baker driver sailor writer singer student
mother father sister brother uncle aunt cousin neighbor captain soldier artist actor lawyer nurse judge guard guest
hunter player poet president prince princess worker waiter visitor stranger leader manager engineer scientist
reader speaker customer husband wife son daughter baby person partner pilot painter dancer officer owner parent"""
THINGS: Final = """dog cat horse bird fish cow sheep pig duck goat mouse bear fox wolf lion tiger monkey rabbit snake frog bee
spider elephant chicken eagle whale animal insect camel turtle house door window table chair bed floor wall roof kitchen
garden room lamp mirror clock book letter paper pencil pen box bag bottle cup glass plate spoon knife fork bowl basket
key lock coin ring hat coat shirt shoe sock glove dress jacket belt pocket button needle thread blanket pillow towel
candle brush soap comb umbrella suitcase wallet watch tool hammer nail rope ladder bucket shovel tree flower leaf grass
root seed branch bush river lake sea beach ocean mountain hill valley forest field road street bridge path island desert
cave stone rock sand rain snow wind storm cloud sun moon star sky fire water ice air earth world wave smoke dust mud
metal gold wood iron oil gas coal car bus train plane boat ship bike truck wagon station airport ticket map wheel engine
rocket tunnel corner garage highway bread butter cheese milk egg apple orange lemon banana cherry potato tomato onion soup
salad cake sugar salt rice meat coffee tea juice honey pepper carrot bean corn peach grape cookie sandwich pie breakfast
lunch dinner meal food fruit vegetable school office shop market bank hospital church museum library theater park city
town village country farm castle tower palace hotel restaurant factory prison yard gate fence stairs hall building
apartment tent cabin harbor square stage court music song story picture movie game ball drum piano guitar violin trumpet
dance party birthday holiday wedding summer winter spring autumn morning evening night day week month year hour minute
moment afternoon weekend century answer question number word name voice sound color problem idea dream plan lesson message
secret gift prize machine computer phone camera radio television paper test system service model server page line list
point place part side end start top bottom front center middle edge piece pair group team club family crowd army
company government law rule peace war battle fight power force energy money price cost job work business trade
sale bill tax chance choice change reason result effect cause case fact truth lie mistake accident trouble danger
fear hope love joy anger pain health heart head hair face eye ear nose mouth tooth tongue neck shoulder arm hand
finger leg knee foot body skin bone blood brain mind memory thought feeling sense science history art language
english subject class course exam paper sentence paragraph letter chapter poem novel magazine newspaper article
report speech talk conversation meeting interview trip journey travel adventure vacation weather temperature season
light shadow heat cold noise silence smell taste touch shape size weight height distance speed direction north south
east west area region border center surface space planet nature plant garden medicine disease doctor drug
video website internet network program screen keyboard button file photo image data code signal sign symbol
card bat toy doll puzzle kite balloon circle triangle pattern design style fashion tradition culture religion
society community member population citizen nation state capital degree level step stage rate amount
total half quarter percent dollar cent pound inch mile"""
ADJECTIVES: Final = """old young big small tall short long new good bad happy sad angry quiet loud fast slow hot cold warm cool wet
dry clean dirty dark bright heavy light soft hard rich poor strong weak brave clever funny kind gentle simple strange
empty full open broken red blue green yellow white black brown gray golden silver sweet sour fresh deep wide narrow round
sharp early late busy lazy tired hungry lucky famous perfect tiny huge great little large high low right wrong
true false real easy difficult important possible impossible special different similar same main common rare
public private local national modern ancient beautiful ugly lovely pretty wonderful terrible awful nice fine
free cheap expensive safe dangerous healthy sick dead alive ready sure certain clear thick thin flat smooth rough
tight loose calm nervous proud shy honest polite rude serious silly smart stupid wise crazy wild noisy
lonely thirsty afraid excited bored surprised pink purple wooden plastic electric natural human foreign popular
useful useless careful final last next first second third several many few other whole"""
VERBS: Final = """see find like love want need take bring hold carry open close break fix build paint clean wash buy sell give send
read write draw follow watch hear know remember forget lose hide move push pull throw catch cut cook eat drink make keep
leave visit help meet call use show tell ask try choose change check count cover cross drop enjoy enter explain fill
finish pay pick plan plant prepare protect reach receive repeat save share start stop study teach test touch understand
wear win add accept allow answer believe burn collect compare control create describe destroy discover expect
feed feel grow hate hit imagine improve join kick kiss learn lead lift light lock mention notice offer order own
pass play print promise prove put raise record remove rent repair replace return ride ring roll search serve
shake shoot shut sing smell solve spend steal support taste thank tie trust turn wake welcome"""
THIRD: Final = """sees finds likes loves wants needs takes brings holds carries opens closes breaks fixes builds paints cleans washes
buys sells gives sends reads writes draws follows watches hears knows remembers forgets loses hides moves pushes pulls
throws catches cuts cooks eats drinks makes keeps leaves visits helps meets calls uses shows asks tries checks enjoys"""
PAST: Final = """saw found liked loved wanted needed took brought held carried opened closed fixed built painted cleaned washed
bought sold sent followed watched heard knew remembered forgot lost moved pushed pulled threw caught cooked made kept left
visited helped met called used showed asked tried changed checked finished gave told said thought felt ate drank
wrote broke chose won wore taught learned played noticed received discovered reached hit cut put"""
INTRANSITIVE: Final = """walks runs sleeps sings dances smiles laughs cries waits works plays swims jumps falls stands sits talks speaks
listens travels returns stops starts grows shines walked ran slept sang danced smiled laughed cried waited worked stood
talked spoke listened traveled returned stopped started came went stayed lived died arrived appeared disappeared happened
comes goes stays lives dies arrives happens fell sat grew flew swam climbed escaped agreed"""
PLAIN: Final = """go come stay walk run sleep dance smile laugh cry wait work swim jump fall stand sit speak listen live die
think say get let talk fly climb rest arrive happen continue begin"""
GERUNDS: Final = """going coming walking running sleeping singing dancing smiling working playing waiting looking making taking getting
reading writing eating drinking talking speaking listening thinking trying living doing being having using swimming cooking"""
ADVERBS: Final = """quickly slowly quietly loudly happily sadly carefully again today tomorrow now here there always never often
sometimes soon together alone outside inside already really very well too yesterday tonight once twice later early
almost just still yet even only maybe perhaps usually finally suddenly easily nearly exactly probably certainly everywhere
away back home forward far instead also ever"""
PREPOSITIONS: Final = """in on under near behind beside above below across into from with without before after around through over by to
at of for about between among against along during until since toward inside outside off up down"""
PLURALS: Final = """men women children people friends dogs cats birds trees flowers books letters words numbers days weeks months years
hours minutes things times eyes hands feet stars houses cars songs stories questions answers ideas models machines computers
apples eggs students teachers parents boys girls voices sounds lights windows doors streets cities countries"""
PRONOUNS: Final = "i you we they"
SINGULAR: Final = "he she it someone everyone nobody"
OBJECTS: Final = "me you him her it us them this that something everything nothing anything"
DETERMINERS: Final = "the a this that my your his her our their every another each some any no"
PLURAL_DETERMINERS: Final = "the these those my your his her our their some many few all most both"
UNITS: Final = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
SCALES: Final = "hundred thousand million billion point minus plus"
OPENERS: Final = """hello|thank you|please|good morning|good evening|good night|yes|no|maybe|of course|welcome|sorry|excuse me|well|
okay|hi|goodbye|oh|right|look|listen|thanks|in fact|at first|for example|at last|by the way"""
GRAMMAR: Final = """am is are was were be been do does did have has had can could will would shall should may might must not and or but
because if when while then than as so what who where why how which whose i'm you're he's she's it's we're they're i'll
you'll we'll don't doesn't didn't can't won't isn't wasn't that's there's let's i've i'd couldn't wouldn't myself
yourself himself more less much such own out an lot kind else good-bye voice cloning speech text llama"""
DAYS: Final = "monday tuesday wednesday thursday friday saturday sunday"
MONTHS: Final = "january february march april may june july august september october november december"


def words(group: str) -> list[str]:
    """In a settled order, each once."""
    return list(dict.fromkeys(group.split()))


NUMBERS: Final = words(f"{UNITS} {TENS} {SCALES}")
KNOWN: Final = sorted(
    {
        word
        for group in (
            PEOPLE, THINGS, ADJECTIVES, VERBS, THIRD, PAST, INTRANSITIVE, PLAIN, GERUNDS, ADVERBS, PREPOSITIONS, PLURALS,
            PRONOUNS, SINGULAR, OBJECTS, DETERMINERS, PLURAL_DETERMINERS, UNITS, TENS, SCALES,
            OPENERS.replace("|", " "), GRAMMAR.replace("-", ""), DAYS, MONTHS,
        )
        for word in group.split()
    }
)  # fmt: skip
"""Every word with an entry of its own in the lexicon."""

UNSEEN: Final = words("""marble lantern whisper anchor velvet timber parcel puppet magnet ribbon saddle temple violet walnut
harvest jungle kettle lizard meadow napkin oyster pirate quartz raven scarlet thunder vanish wizard yonder zipper blossom
cottage dolphin emerald feather glacier hollow jigsaw kingdom lobster mustard nectar orchid pebble rustic
sapling turnip upward vortex wander cactus banner copper dragon fabric gravel hermit insult jasmine""")
"""Words outside the vocabulary, never trained on: the evaluation reads them by rule."""

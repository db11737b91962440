"""The page in English."""

from typing import Final

from ui.texts import Texts

ENGLISH: Final = Texts(
    code="en",
    name="English",
    title="Llasa Serve",
    about="Clones a voice from a clip of a few seconds, and speaks your text with it.",
    speak="Speak",
    transcribe="Transcribe",
    voices="Voices",
    models="Models",
    help="Help",
    voice="Voice",
    voice_info="Or take a voice from the list",
    built_in="built in",
    clip="Clone a voice",
    clip_label="A clip of 5 to 15 seconds",
    notes="Notes on the clip",
    heard="{seconds} s of speech. Correct below what was heard in it.",
    heard_nothing="No speech is heard in the clip: use another one, or write below what it says.",
    ref_text="Transcript of the clip",
    ref_text_info="Written by Whisper as soon as there is a clip.",
    say="Let it speak",
    target_text="Text to speak",
    target_placeholder="Type or paste what the voice should say.",
    estimate="About {seconds} s of speech, in {parts}",
    counted=("one part", "{parts} parts"),
    generate="Generate",
    stop="Stop",
    examples="Examples",
    example_texts=(
        "Hello, this is my voice.",
        "The old man walked to the river. He likes the small red house.",
        "My friend has seven good books, and we found the key in the garden.",
    ),
    basic="Settings",
    parameters={
        "speed": ("Speed", "2 is twice as fast; the pitch is kept."),
        "temperature": ("Temperature", "Lower is steadier, higher is livelier. Above 1.1, speech may go astray."),
        "verify": ("Verify the speech", "Whisper checks each part, and misread parts are spoken again. Takes longer."),
        "ref_check": (
            "If the clip and its transcript differ",
            "Refuse the clip, repair the transcript, or do not check.",
        ),
        "system_prompt": ("System prompt", "The default was used in training; others work less well."),
        "language": ("Language of the text", "ISO 639-1 code; numbers are written in this language."),
        "normalise": ("Write out numbers", "Numbers and symbols are spoken as words."),
        "sample_rate": ("Sample rate (Hz)", "Rate of the files; the models generate 16 000."),
        "top_k": ("Top-k", "Number of codes considered; 0: all."),
        "top_p": ("Top-p", "Total probability of the codes considered."),
        "repetition_penalty": ("Repetition penalty", "Above 1, the voice gets stuck less often."),
        "seed": ("Seed", "The same seed gives the same speech."),
        "best_of": ("Takes per part", "Whisper keeps the best one. Takes longer."),
        "strict": ("Accept no flaw", "Fail rather than return speech with a flaw."),
    },
    advanced="Advanced",
    die="Another seed",
    stages={
        "waking": "Loading the models",
        "listening": "Listening to the clip",
        "encoding": "Encoding the voice",
        "speaking": "Speaking",
        "checking": "Verifying the speech",
    },
    waiting="Waiting for a turn",
    of="part {part} of {parts}",
    stopped="Stopped.",
    finishes={
        "stop": "spoken to its end",
        "length": "cut at the longest duration of such a text",
        "loop": "stopped where it repeated itself",
        "error": "stopped where it fell silent",
    },
    done="{seconds} s, {finish}. Seed {seed}.",
    nothing_yet="Generated speech plays here while it is made.",
    times="Times",
    timings={
        "wake": "waking",
        "transcribe": "listening",
        "encode": "encoding",
        "generate": "speaking",
        "decode": "sound",
    },
    download="Download",
    player="The speech, while it is generated",
    progress="Progress",
    captions="Captions",
    seconds="Duration",
    waveform="The speech",
    history="Takes of this session",
    no_history="Generated speech is listed here for comparison.",
    gone="This speech is no longer kept: generate it again.",
    audio="Recording",
    language="Language",
    language_info="Language of the recording; automatic: detected by Whisper.",
    automatic="automatic",
    words="Times of words",
    text="Text",
    word_columns=("Word", "from (s)", "to (s)"),
    own_voices="Stored voices",
    name_label="Name",
    consent="Whose voice is it, and how did they agree?",
    consent_info="Stored with the voice.",
    save="Save the voice",
    saved="The voice “{name}” is saved and available on the first tab.",
    hear="Listen",
    rename="Rename",
    renamed="The voice is now called “{name}”.",
    delete="Delete",
    deleted="The voice “{name}” is deleted.",
    new_name="New name",
    add_voice="Add a voice",
    chosen_voice="Voice",
    pronunciations="Pronunciations",
    pronunciation="Pronunciation",
    no_pronunciations="None is stored yet. All speech of this service uses the ones that are.",
    pronunciation_columns=("Term", "Spoken as", "Language", "Voice", "Case"),
    add_pronunciation="Add a pronunciation",
    term="Term",
    replacement="Spoken as",
    replacement_info="A spelling that the voice reads right. Empty: the term is left out.",
    only_language="Only in this language",
    only_voice="Only by this voice",
    case="Only in these upper and lower case letters",
    add="Add",
    added="“{term}” is stored.",
    removed="The pronunciation is deleted.",
    model="Model",
    all_models="all",
    load="Load",
    unload="Let sleep",
    release="Unload",
    idle_timeout="Idle time until asleep (s)",
    set_timeout="Set",
    ordered="Request sent. The table updates when done.",
    model_columns=("Model", "State", "Where", "Idle", "Asleep after", "At work", "Waiting", "Last load"),
    gpu_columns=("GPU", "Name", "Used", "Free", "Busy", "Models"),
    no_gpu="There is no GPU: the models run on the CPU.",
    states={
        "unloaded": "unloaded",
        "asleep": "asleep",
        "loading": "loading",
        "ready": "ready",
        "draining": "finishing its work",
    },
    key_message="Sign in with the name of your key (“default” if it has none), and the key as the password.",
    failures={},
    something_wrong="Something went wrong here; see the service's log.",
    guide="""
### A good reference

- 5 to 15 seconds of one person, in whole sentences and in the desired tone.
- A quiet room, no music, no echo; not too close to the microphone.
- Its exact transcript. If you leave it empty, Whisper transcribes the clip.

### What to expect

- The built-in voices need no clip. The model generated them; they do not sound like OpenAI's of the same names.
- Long texts are spoken in parts; the first one plays while the others are generated.
- If the result is not good, try another seed, or lower the temperature.
- Idle models fall asleep, and are unloaded later; the next request waits some seconds until they are ready again.
- Machines without a GPU use the embedded nano models: small, synthetic, English only, for trying things out.

### Licence and consent

- Clone a voice only with its owner's consent, and label synthetic speech where it could be mistaken for real.
- The weights of Llasa and XCodec2 are CC-BY-NC-4.0: not for commercial use.

For programs: the API is documented at [/apidocs](/apidocs).
""",
)

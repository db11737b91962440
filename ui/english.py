"""The page in English."""

from typing import Final

from ui.texts import Texts

ENGLISH: Final = Texts(
    code="en",
    name="English",
    title="Llasa Serve",
    about="A few seconds of a voice and a text go in; that voice speaks the text.",
    speak="Speak",
    transcribe="Transcribe",
    voices="Voices",
    models="Models",
    help="Help",
    voice="Voice",
    voice_info="One that is here already. A clip of your own goes before it.",
    clip="Or clone a voice of your own",
    clip_label="A clip of 5 to 15 seconds",
    ref_text="What the clip says",
    ref_text_info="Left empty, it is listened to.",
    listen="Write down what the clip says",
    target_text="Text to speak",
    target_placeholder="Type or paste what the voice shall say.",
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
    speed="Speed",
    speed_info="2 is twice as fast; the pitch stays.",
    temperature="Temperature",
    temperature_info="Lower is steadier, higher is livelier. From 1.1 on speech may go astray.",
    verify="Check what was spoken",
    verify_info="Whisper listens to each part, and one that is not understood is spoken again. Takes longer.",
    advanced="Advanced",
    system_prompt="System prompt",
    system_prompt_info="What the model was trained with; others work less well.",
    seed="Seed",
    seed_info="The same seed speaks the same again.",
    die="Another seed",
    rate="Sample rate (Hz)",
    rate_info="Of the files; the models speak at 16 000.",
    top_k="Top-k",
    top_k_info="Chooses among so many sounds at most; 0: among all.",
    top_p="Top-p",
    top_p_info="Chooses among the likeliest sounds that together reach this share.",
    penalty="Repetition penalty",
    penalty_info="Above 1 the voice gets stuck less often.",
    stages={
        "waking": "Waking the models",
        "listening": "Listening to the clip",
        "encoding": "Encoding the voice",
        "speaking": "Speaking",
        "checking": "Checking what was spoken",
    },
    waiting="Waiting for a turn",
    of="part {part} of {parts}",
    stopped="Stopped.",
    finishes={
        "stop": "spoken to its end",
        "length": "cut at the longest that such a text may take",
        "loop": "stopped where it turned in a circle",
        "error": "stopped where it fell silent",
    },
    done="{seconds} s, {finish}. Seed {seed}.",
    nothing_yet="What you generate is heard here, as it is made.",
    times="Times",
    timings={
        "wake": "waking",
        "transcribe": "listening",
        "encode": "encoding",
        "generate": "speaking",
        "decode": "sound",
    },
    download="Download",
    player="The speech, as it is made",
    waveform="The speech",
    history="Takes of this session",
    no_history="What you generate is listed here, to compare.",
    gone="This speech is no longer kept: generate it again.",
    audio="Recording",
    language="Language",
    language_info="As spoken; automatic: Whisper finds out.",
    automatic="automatic",
    words="Times of words",
    text="Text",
    word_columns=("Word", "from (s)", "to (s)"),
    own_voices="Stored voices",
    name_label="Name",
    consent="Whose voice is it, and how did they agree?",
    consent_info="Kept with the voice.",
    save="Save the voice",
    saved="The voice “{name}” is saved, and can be chosen on the first page.",
    hear="Listen",
    rename="Rename",
    renamed="The voice is now called “{name}”.",
    delete="Delete",
    deleted="The voice “{name}” is deleted.",
    new_name="New name",
    add_voice="Add a voice",
    chosen_voice="Voice",
    model="Model",
    all_models="all",
    load="Load",
    unload="Unload",
    release="Unload and free memory",
    idle_timeout="Idle time until unloaded (s)",
    set_timeout="Set",
    ordered="It is ordered; the table shows when it is so.",
    model_columns=("Model", "State", "Where", "Idle", "Unloaded after", "At work", "Waiting", "Last load"),
    gpu_columns=("GPU", "Name", "Used", "Free", "Busy", "Models"),
    no_gpu="There is no GPU: the models run on the CPU.",
    states={"unloaded": "unloaded", "loading": "loading", "ready": "ready", "draining": "finishing its work"},
    key_message="Sign in with the name of your key (“default” if it has none), and the key as the password.",
    failures={},
    something_wrong="Something went wrong here; the service's log has it.",
    guide="""
### A good reference

- 5 to 15 seconds of one person who speaks as the result shall sound; whole sentences.
- A quiet room, no music, no echo; not too close to the microphone.
- Its text, word for word. If you leave it empty, Whisper writes it down.

### What to expect

- The built-in voices need no clip. The model itself made them; they sound otherwise than OpenAI's of those names.
- Long texts are spoken in parts, and the first is heard while the others are made.
- If a take is not good, take another seed, or lower the temperature.
- A model that nobody asks for leaves memory; the next request waits some seconds until it is back.
- On a machine without a GPU the embedded nano models speak: small, robotic, English, made for trying things out.

### Licence and consent

- Clone a voice only if its owner has agreed, and say that speech is synthetic where people could take it for real.
- The weights of Llasa and XCodec2 are CC-BY-NC-4.0: not for commercial use.

The same by program: the API is described at [/apidocs](/apidocs).
""",
)

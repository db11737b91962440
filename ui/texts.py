"""What the page says, in each of its languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Texts:
    """One language."""

    code: str
    name: str
    title: str
    about: str
    speak: str
    transcribe: str
    voices: str
    models: str
    help: str

    voice: str
    voice_info: str
    clip: str
    clip_label: str
    ref_text: str
    ref_text_info: str
    listen: str
    target_text: str
    target_placeholder: str
    estimate: str
    """With `{seconds}` and `{parts}`."""
    counted: tuple[str, str]
    """One part, and several: with `{parts}`."""
    generate: str
    stop: str
    examples: str
    example_texts: tuple[str, ...]
    basic: str
    speed: str
    speed_info: str
    temperature: str
    temperature_info: str
    verify: str
    verify_info: str
    advanced: str
    system_prompt: str
    system_prompt_info: str
    seed: str
    seed_info: str
    die: str
    rate: str
    rate_info: str
    top_k: str
    top_k_info: str
    top_p: str
    top_p_info: str
    penalty: str
    penalty_info: str
    stages: Mapping[str, str]
    waiting: str
    of: str
    """With `{part}` and `{parts}`."""
    stopped: str
    finishes: Mapping[str, str]
    done: str
    """With `{seconds}`, `{finish}` and `{seed}`."""
    nothing_yet: str
    times: str
    timings: Mapping[str, str]
    """By stage of Finished.timings."""
    download: str
    player: str
    waveform: str
    history: str
    no_history: str
    gone: str

    audio: str
    language: str
    language_info: str
    automatic: str
    words: str
    text: str
    word_columns: tuple[str, str, str]

    own_voices: str
    no_voices: str
    name_label: str
    consent: str
    consent_info: str
    save: str
    saved: str
    """With `{name}`, as the two below."""
    hear: str
    rename: str
    renamed: str
    delete: str
    deleted: str
    new_name: str
    add_voice: str
    chosen_voice: str

    model: str
    all_models: str
    load: str
    unload: str
    release: str
    idle_timeout: str
    set_timeout: str
    ordered: str
    model_columns: tuple[str, ...]
    gpu_columns: tuple[str, ...]
    no_gpu: str
    states: Mapping[str, str]

    key_message: str
    failures: Mapping[str, str]
    """By an error's code; what the service itself says comes after."""
    something_wrong: str
    guide: str


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
    no_voices="No voice is stored yet.",
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
    key_message="Sign in with any name, and your API key as the password.",
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
CHINESE: Final = Texts(
    code="zh",
    name="中文",
    title="Llasa Serve",
    about="给出几秒钟的声音和一段文字，就用这个声音把文字读出来。",
    speak="语音合成",
    transcribe="语音转写",
    voices="声音库",
    models="模型状态",
    help="帮助",
    voice="声音",
    voice_info="已有的声音；自己的录音优先。",
    clip="或克隆您自己的声音",
    clip_label="5 到 15 秒的录音",
    ref_text="录音里说了什么",
    ref_text_info="留空则自动识别。",
    listen="识别录音文字",
    target_text="要读的文字",
    target_placeholder="输入或粘贴要读出的文字。",
    estimate="大约 {seconds} 秒语音，分为 {parts}",
    counted=("1 段", "{parts} 段"),
    generate="生成",
    stop="停止",
    examples="示例",
    example_texts=ENGLISH.example_texts,
    basic="设置",
    speed="语速",
    speed_info="2 表示快一倍，音高不变。",
    temperature="温度",
    temperature_info="越低越稳定，越高越生动；1.1 以上可能跑偏。",
    verify="检查读出的内容",
    verify_info="由 Whisper 逐段听一遍，听不懂的部分会重读。耗时更长。",
    advanced="高级设置",
    system_prompt="系统提示词",
    system_prompt_info="模型训练时使用的提示词；换成别的效果会变差。",
    seed="随机种子",
    seed_info="种子相同，结果相同。",
    die="换一个种子",
    rate="采样率（Hz）",
    rate_info="文件的采样率；模型本身为 16 000。",
    top_k="Top-k",
    top_k_info="最多在多少个候选中选择；0 表示全部。",
    top_p="Top-p",
    top_p_info="在概率之和达到该比例的候选中选择。",
    penalty="重复惩罚",
    penalty_info="大于 1 时不容易卡在一个音上。",
    stages={
        "waking": "正在唤醒模型",
        "listening": "正在听录音",
        "encoding": "正在编码声音",
        "speaking": "正在合成",
        "checking": "正在检查读出的内容",
    },
    waiting="正在排队",
    of="第 {part} 段，共 {parts} 段",
    stopped="已停止。",
    finishes={
        "stop": "已读完",
        "length": "达到这段文字的最大长度，被截断",
        "loop": "在重复处停止",
        "error": "在静音处停止",
    },
    done="{seconds} 秒，{finish}。种子 {seed}。",
    nothing_yet="生成的语音会在这里边生成边播放。",
    times="用时",
    timings={
        "wake": "唤醒",
        "transcribe": "听写",
        "encode": "编码",
        "generate": "合成",
        "decode": "解码",
    },
    download="下载",
    player="边生成边播放",
    waveform="语音",
    history="本次会话的结果",
    no_history="生成的语音会列在这里，便于比较。",
    gone="这段语音已不再保留：请重新生成。",
    audio="录音",
    language="语言",
    language_info="录音的语言；“自动”由 Whisper 判断。",
    automatic="自动",
    words="每个词的时间",
    text="文字",
    word_columns=("词", "开始（秒）", "结束（秒）"),
    own_voices="已保存的声音",
    no_voices="还没有保存的声音。",
    name_label="名称",
    consent="这是谁的声音？对方如何同意的？",
    consent_info="与声音一起保存。",
    save="保存声音",
    saved="声音“{name}”已保存，可在第一页选择。",
    hear="试听",
    rename="改名",
    renamed="声音已改名为“{name}”。",
    delete="删除",
    deleted="声音“{name}”已删除。",
    new_name="新名称",
    add_voice="添加声音",
    chosen_voice="声音",
    model="模型",
    all_models="全部",
    load="加载",
    unload="卸载",
    release="卸载并释放内存",
    idle_timeout="空闲多久后卸载（秒）",
    set_timeout="设定",
    ordered="已下达；完成后表格会显示。",
    model_columns=("模型", "状态", "位置", "空闲", "卸载时限", "处理中", "排队", "上次加载"),
    gpu_columns=("GPU", "型号", "已用", "可用", "占用", "模型"),
    no_gpu="没有 GPU：模型在 CPU 上运行。",
    states={"unloaded": "未加载", "loading": "加载中", "ready": "就绪", "draining": "收尾中"},
    key_message="用户名任意，密码填您的 API 密钥。",
    failures={
        "invalid_input": "输入有误",
        "invalid_audio": "录音无法使用",
        "invalid_text": "文字无法使用",
        "validation_error": "参数超出范围",
        "input_too_large": "文件太大",
        "not_found": "没有找到",
        "conflict": "已经存在",
        "overloaded": "请求太多，请稍后再试",
        "timeout": "超时，请稍后再试",
        "unavailable": "模型暂时不可用",
        "generation_failed": "生成失败，请换一个种子",
        "internal_error": "服务内部出错",
    },
    something_wrong="服务内部出错；详情见服务日志。",
    guide="""
### 好的参考录音

- 一个人说 5 到 15 秒完整的句子，语气与想要的结果一致。
- 环境安静，没有音乐和回声；不要离麦克风太近。
- 逐字填写录音文字；留空则由 Whisper 识别。

### 可以期待什么

- 内置声音不需要录音，由模型自己生成，与 OpenAI 的同名声音不同。
- 长文字会分段合成，第一段先播放，其余继续生成。
- 结果不理想时，换一个种子，或降低温度。
- 闲置的模型会离开内存；下一个请求要等几秒钟让它回来。
- 没有 GPU 的机器使用内嵌的 nano 模型：小巧、机械音、只会英语，用于试用。

### 许可与同意

- 只有在声音的主人同意后才能克隆；可能被当真的地方，请注明是合成语音。
- Llasa 与 XCodec2 的权重采用 CC-BY-NC-4.0 许可：不得用于商业用途。

用程序调用：API 说明见 [/apidocs](/apidocs)。
""",
)
LANGUAGES: Final = (ENGLISH, CHINESE)

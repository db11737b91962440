"""The page in Chinese."""

from typing import Final

from ui.english import ENGLISH
from ui.texts import Texts

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
    voice_info="或从列表中选一个声音",
    built_in="内置",
    clip="克隆一个声音",
    clip_label="5 到 15 秒的录音",
    notes="关于录音",
    heard="{seconds} 秒语音。识别有误时请在下方修改。",
    heard_nothing="录音里没有听到语音：请换一段，或在下方填写它说了什么。",
    ref_text="录音里说了什么",
    ref_text_info="有了录音后由 Whisper 自动填写。",
    say="让它说话",
    target_text="要读的文字",
    target_placeholder="输入或粘贴要读出的文字。",
    estimate="大约 {seconds} 秒语音，分为 {parts}",
    counted=("1 段", "{parts} 段"),
    generate="生成",
    stop="停止",
    examples="示例",
    example_texts=ENGLISH.example_texts,
    basic="设置",
    parameters={
        "speed": ("语速", "2 表示快一倍，音高不变。"),
        "temperature": ("温度", "越低越稳定，越高越生动；1.1 以上可能跑偏。"),
        "verify": ("检查读出的内容", "由 Whisper 逐段听一遍，听不懂的部分会重读。耗时更长。"),
        "ref_check": ("录音与文字不符时", "拒绝录音、修正文字，或不检查。"),
        "system_prompt": ("系统提示词", "模型训练时使用的提示词；换成别的效果会变差。"),
        "language": ("文字的语言", "ISO 639-1 代码；数字按这种语言读出。"),
        "normalise": ("把数字写成文字", "数字和符号会读成文字。"),
        "sample_rate": ("采样率（Hz）", "文件的采样率；模型本身为 16 000。"),
        "top_k": ("Top-k", "最多在多少个候选中选择；0 表示全部。"),
        "top_p": ("Top-p", "在概率之和达到该比例的候选中选择。"),
        "repetition_penalty": ("重复惩罚", "大于 1 时不容易卡在一个音上。"),
        "seed": ("随机种子", "种子相同，结果相同。"),
        "best_of": ("每段录几遍", "由 Whisper 选出最好的一遍。耗时更长。"),
        "strict": ("不接受瑕疵", "有瑕疵时报错，而不是返回语音。"),
    },
    advanced="高级设置",
    die="换一个种子",
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
    progress="进度",
    captions="字幕",
    seconds="时长",
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
    pronunciations="发音",
    pronunciation="发音",
    no_pronunciations="还没有保存发音。保存后，本服务的所有语音都会使用。",
    pronunciation_columns=("词", "读作", "语言", "声音", "区分大小写"),
    add_pronunciation="添加发音",
    term="词",
    replacement="读作",
    replacement_info="换一种能读对的写法；留空则不读这个词。",
    only_language="仅用于这种语言",
    only_voice="仅用于这个声音",
    case="区分大小写",
    add="添加",
    added="“{term}”已保存。",
    removed="发音已删除。",
    model="模型",
    all_models="全部",
    load="加载",
    unload="休眠",
    release="卸载",
    idle_timeout="空闲多久后休眠（秒）",
    set_timeout="设定",
    ordered="已下达；完成后表格会显示。",
    model_columns=("模型", "状态", "位置", "空闲", "休眠时限", "处理中", "排队", "上次加载"),
    gpu_columns=("GPU", "型号", "已用", "可用", "占用", "模型"),
    no_gpu="没有 GPU：模型在 CPU 上运行。",
    states={"unloaded": "未加载", "asleep": "休眠", "loading": "加载中", "ready": "就绪", "draining": "收尾中"},
    key_message="用户名填密钥的名称（没有名称则填 default），密码填密钥。",
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
- 没有 GPU 的机器使用内嵌的 nano 模型：小巧、合成音、只会英语，用于试用。

### 许可与同意

- 只有在声音的主人同意后才能克隆；可能被当真的地方，请注明是合成语音。
- Llasa 与 XCodec2 的权重采用 CC-BY-NC-4.0 许可：不得用于商业用途。

用程序调用：API 说明见 [/apidocs](/apidocs)。
""",
)

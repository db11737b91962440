"""The containers and codecs that are accepted. No others are ever opened, whatever a file is named."""

from typing import Final

_DEMUXERS: Final = """
aac ac3 aiff amr amrnb amrwb ape asf au avi caf dsf dts dtshd eac3 flac flv g722 gsm ircam latm loas matroska mlp mov
mp3 mpc mpc8 mpeg mpegts mxf nistsphere nut ogg oma qcp sbc sln sox tak truehd tta voc w64 wav wv xwma
"""
_DECODERS: Final = """
aac aac_fixed aac_latm ac3 ac3_fixed adpcm_adx adpcm_ct adpcm_g722 adpcm_ima_amv adpcm_ima_qt adpcm_ima_wav adpcm_ms
adpcm_sbpro_2 adpcm_sbpro_3 adpcm_sbpro_4 adpcm_swf adpcm_yamaha alac amrnb amrwb ape atrac3 atrac3plus dca dsd_lsbf
dsd_lsbf_planar dsd_msbf dsd_msbf_planar eac3 flac g722 g723_1 g726 g726le gsm gsm_ms ilbc libopencore_amrnb
libopencore_amrwb libopus libspeex libvorbis mlp mp1 mp1float mp2 mp2float mp3 mp3float mpc7 mpc8 nellymoser opus
pcm_alaw pcm_bluray pcm_dvd pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_mulaw pcm_s16be pcm_s16be_planar pcm_s16le
pcm_s16le_planar pcm_s24be pcm_s24le pcm_s24le_planar pcm_s32be pcm_s32le pcm_s32le_planar pcm_s64be pcm_s64le pcm_s8
pcm_s8_planar pcm_u16be pcm_u16le pcm_u24be pcm_u24le pcm_u32be pcm_u32le pcm_u8 qcelp s302m sbc speex tak truehd tta
vorbis wavpack wmalossless wmapro wmav1 wmav2 wmavoice
"""

DEMUXERS: Final = frozenset(_DEMUXERS.split())
"""FFmpeg's names of containers that hold audio. Playlists, scripts and images are excluded: they refer to files."""
DECODERS: Final = frozenset(_DECODERS.split())
"""FFmpeg's names of audio decoders."""

// Vercel's AI SDK: arguments are the URL of the service, a folder for audio, and a text.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createOpenAI } from "@ai-sdk/openai";
import { experimental_generateSpeech as generateSpeech, experimental_transcribe as transcribe } from "ai";

const [url, folder, text] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "none" });

const { audio, warnings } = await generateSpeech({ model: openai.speech("tts-1"), text, voice: "alloy", maxRetries: 0 });
await writeFile(join(folder, `speech.${audio.format}`), audio.uint8Array);
const heard = await transcribe({ model: openai.transcription("whisper-1"), audio: audio.uint8Array, maxRetries: 0 });

console.log(
  JSON.stringify({
    type: audio.mediaType,
    warnings,
    text: heard.text,
    language: heard.language ?? null,
    seconds: heard.durationInSeconds,
    segments: heard.segments.length,
  }),
);

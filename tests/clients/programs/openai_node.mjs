// OpenAI's SDK for Node.js: arguments are the URL of the service, a folder for audio, and a text.
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import OpenAI from "openai";

const [url, folder, input] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const clip = join(folder, "speech.mp3");

const speech = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input });
await writeFile(clip, Buffer.from(await speech.arrayBuffer()));

const transcribe = (options) =>
  client.audio.transcriptions.create({ file: createReadStream(clip), model: "whisper-1", language: "en", ...options });
const verbose = await transcribe({ response_format: "verbose_json", timestamp_granularities: ["word"] });
const events = [];
for await (const event of await transcribe({ stream: true })) events.push(event);

const models = [];
for await (const model of client.models.list()) models.push(model.id);
const refused = await client.audio.speech
  .create({ model: "tts-1", voice: "nobody", input })
  .catch((error) => ({ kind: error.constructor.name, param: error.param }));

console.log(
  JSON.stringify({
    type: speech.headers.get("content-type"),
    text: verbose.text,
    language: verbose.language,
    words: verbose.words.length,
    streamed: events.at(-1).text,
    models,
    refused,
  }),
);

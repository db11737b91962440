// Speaks a text with a built-in voice: node examples/speak.mjs speech.mp3
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const url = process.env.LLASA_URL ?? "http://127.0.0.1:7861";
const key = process.env.LLASA_API_KEY ?? "none";

const response = await fetch(`${url}/v1/audio/speech`, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
  body: JSON.stringify({ model: "tts-1", voice: "alloy", input: "Hello, this is my voice." }),
});
if (!response.ok) {
  const { error } = await response.json();
  throw new Error(`${response.status}: ${error.message}`);
}
await pipeline(Readable.fromWeb(response.body), createWriteStream(process.argv[2]));

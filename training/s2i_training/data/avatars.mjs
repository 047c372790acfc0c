// Draws avatars: reads {style, seeds, options} in JSON lines from standard input and writes for each
// line an array of SVG texts, one a seed. Runs beside a node_modules folder with the packages.
import { createInterface } from "node:readline";
import { createAvatar } from "@dicebear/core";

for await (const line of createInterface({ input: process.stdin })) {
  const { style, seeds, options } = JSON.parse(line);
  const module = await import(`@dicebear/${style}`);
  const drawn = seeds.map((seed) => createAvatar(module, { ...options, seed }).toString());
  process.stdout.write(JSON.stringify(drawn) + "\n");
}

/**
 * demo/vqa.jsonl, the demo's 600 questions with their pictures inside, from and to a folder of files
 * (`node demo/vqa.mjs pack|unpack DIR`): DIR/questions.jsonl, where `images` and `video` list PNG files by their paths in DIR.
 * Knows nothing of how pictures and answers are made (test/golden/README.md).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILE = join(import.meta.dirname, 'vqa.jsonl');
const HEAD = 'data:image/png;base64,';
const [command, folder] = process.argv.slice(2);

const linesOf = (file) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const write = (file, lines) =>
  writeFileSync(file, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);

/** The media of a question, last, so that its text is seen first. */
function withMedia({ images, video, ...text }, change) {
  const kind = images ? 'images' : 'video';
  return { ...text, [kind]: (images ?? video).map((one, i, { length }) => change(one, i, length)) };
}

const commands = {
  pack() {
    const read = (file) => HEAD + readFileSync(join(folder, file)).toString('base64');
    write(
      FILE,
      linesOf(join(folder, 'questions.jsonl')).map((line) => withMedia(line, read)),
    );
  },
  unpack() {
    const lines = linesOf(FILE).map((line) =>
      withMedia(line, (url, i, length) => {
        const file = `media/${line.id}${length > 1 ? `-${i}` : ''}.png`;
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), Buffer.from(url.slice(HEAD.length), 'base64'));
        return file;
      }),
    );
    write(join(folder, 'questions.jsonl'), lines);
  },
};

if (!commands[command] || !folder) {
  console.error('Usage: node demo/vqa.mjs pack|unpack DIR');
  process.exit(2);
}
commands[command]();

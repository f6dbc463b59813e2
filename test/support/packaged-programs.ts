/** What an app does with the installed package, as programs in its folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root, run } from './packed.js';

/** @param app folder with the demonstration's files and pictures */
export function writePrograms(app: string): void {
  const [demo] = readJson(root('demo/questions.json'));
  const hasFfmpeg = drawClip(join(app, 'clip.mp4'));
  const write = (name: string, text: string) => writeFileSync(join(app, name), text);
  write('every-kind.mjs', everyKind(demo.picture, hasFfmpeg));
  write(
    'vm.test.mjs',
    `import { expect, test } from 'vitest';
     import { work } from './every-kind.mjs';
     test('works', async () => expect(await work()).toBe(${hasFfmpeg ? 4 : 2}), 60_000);`,
  );
  write(
    'permitted.mjs',
    `import { LlavaOneVision } from 'llava-onevision';
     const files = { model: 'demo-f16.gguf', mmproj: 'mmproj-demo-f16.gguf' };
     const model = await LlavaOneVision.load({ ...files, threads: 1, contextSize: 512 });
     const { picture: image, question: text, answer } = ${JSON.stringify(demo)};
     const content = [{ type: 'image', image }, { type: 'text', text }];
     const { text: said } = await model.chat([{ role: 'user', content }]).result;
     console.log(said === answer);
     await model.dispose();`,
  );
}

/** Opens files in every way: models, a picture, a clip where there is ffmpeg, a session. Gives its number of messages. */
const everyKind = (picture: string, hasFfmpeg: boolean) => `
  import { LlavaOneVision } from 'llava-onevision';
  export async function work() {
    const files = { model: 'demo-f16.gguf', mmproj: 'mmproj-demo-f16.gguf' };
    const model = await LlavaOneVision.load({ ...files, threads: 1, contextSize: 1024 });
    try {
      const image = { type: 'image', image: '${picture}' };
      const clip = { type: 'video', video: 'clip.mp4', frames: 2 };
      const session = model.session();
      for (const part of ${hasFfmpeg} ? [image, clip] : [image])
        await session.chat([part, { type: 'text', text: 'what' }], { maxTokens: 1 }).result;
      await session.save('kept.session');
      return (await model.loadSession('kept.session')).messages.length;
    } finally {
      await model.dispose();
    }
  }`;

/** False without ffmpeg. */
function drawClip(path: string): boolean {
  const source = ['-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64'];
  return run('ffmpeg', ['-v', 'error', '-y', ...source, path]).status === 0;
}

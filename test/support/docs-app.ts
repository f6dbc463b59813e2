/** The folder in which pages of docs are read: what they talk of is there, and every published model is the demonstration. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedModels } from '../../src/hub/published-models.js';
import { ALL_NAMES, blockModules, writeLora } from './lora.js';
import { checkpoint, DEMO, type NamedModelRig, PICTURE, QUESTION } from './named-model.js';

const INVOICE = {
  type: 'object',
  properties: { number: { type: 'string', maxLength: 20 }, cents: { type: 'integer' } },
  required: ['number', 'cents'],
  additionalProperties: false,
};

/** @returns the folder, which is made once in a home */
export async function docsApp({ hub, home }: NamedModelRig): Promise<string> {
  const app = join(home, 'app');
  if (existsSync(app)) return app;
  for (const repo of Object.values(publishedModels)) hub.commit(repo, checkpoint);
  mkdirSync(join(app, 'photos'), { recursive: true });
  const radar = ['radar.jpg', 'llava_v1_5_radar.jpg'];
  const names = ['photo.jpg', 'before.jpg', 'after.jpg', 'invoice.jpg', ...radar];
  for (const name of [...names, 'photos/1.jpg', 'photos/2.jpg']) cpSync(PICTURE, join(app, name));
  symlinkSync(DEMO, join(app, 'demo'));
  const golden = join(import.meta.dirname, '../golden/scorer-vectors.json');
  const texts = {
    'invoice.schema.json': JSON.stringify(INVOICE),
    'invoice.json': JSON.stringify({ number: 'A 7', cents: 1200 }),
    'keys.txt': 'secret\n',
    'scorer-vectors.json': readFileSync(golden),
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(app, name), text);
  const ai2d = join(app, 'datasets/ai2d');
  mkdirSync(ai2d, { recursive: true });
  cpSync(PICTURE, join(ai2d, 'shape.jpg'));
  const row = { question: QUESTION, options: ['red', 'orange'], answer: '1', image: 'shape.jpg' };
  writeFileSync(join(ai2d, 'test.jsonl'), JSON.stringify(row));
  await writeLora(join(app, 'my-adapter'), { modules: blockModules(0, ALL_NAMES) });
  return app;
}

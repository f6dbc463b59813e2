// Puts an alt text into each <img> of a folder of HTML files that has none. Images that cannot be read stay as they are.
//
//   node alt-texts.ts public
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LlavaOneVision } from 'llava-onevision';

const WITHOUT_ALT = /<img\b(?![^>]*\salt\s*=)[^>]*?\ssrc\s*=\s*["']([^"']+)["'][^>]*>/gi;
const PROMPT = 'Describe this image in one short sentence, for someone who cannot see it.';

export async function addAltTexts(model: LlavaOneVision, site: string): Promise<string[]> {
  const failed: string[] = [];
  const names = await readdir(site, { recursive: true });
  for (const name of names.filter((one) => /\.html?$/i.test(one)).sort()) {
    const page = join(site, name);
    const html = await readFile(page, 'utf8');
    const texts = new Map<string, string>();
    for (const [, src] of html.matchAll(WITHOUT_ALT)) {
      const text = await describe(model, locate(src!, page, site)).catch(() => failed.push(src!));
      if (typeof text === 'string') texts.set(src!, text);
    }
    const better = html.replace(WITHOUT_ALT, (tag, src) =>
      texts.has(src) ? tag.replace(/^<img/i, `<img alt="${texts.get(src)}"`) : tag,
    );
    if (better !== html) await writeFile(page, better);
  }
  return failed;
}

async function describe(model: LlavaOneVision, image: string): Promise<string> {
  const content = [{ type: 'image', image } as const, { type: 'text', text: PROMPT } as const];
  const { text } = await model.chat([{ role: 'user', content }], { maxTokens: 60 }).result;
  return text.trim().replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

/** "/logo.png" is the site's, "logo.png" lies beside its page. */
function locate(src: string, page: string, site: string): string {
  if (/^(https?|data):/i.test(src)) return src;
  const path = decodeURI(src.replace(/[?#].*$/, ''));
  return join(path.startsWith('/') ? site : dirname(page), path);
}

if (process.argv[1] === import.meta.filename) {
  const model = await LlavaOneVision.load({ model: '0.5b-ov' });
  const failed = await addAltTexts(model, process.argv[2] ?? '.');
  for (const src of failed) console.error(`cannot be read: ${src}`);
  await model.dispose();
}

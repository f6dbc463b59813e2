/** Flags of `serve` that cannot be kept: said by their own names, before a model is looked for, and keys are never shown. */
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { serveCommand } from '../../../../src/cli/serve.js';

/** Of a command whose model is never found. */
async function complaint(flags: string[]): Promise<string> {
  let said = '';
  const writeErr = (text: string) => {
    said += text;
  };
  const command = serveCommand().exitOverride().configureOutput({ writeErr });
  const ended = command.parseAsync(['/nowhere/m.gguf', '--port', '0', ...flags], { from: 'user' });
  await expect(ended).rejects.toThrow(CommanderError);
  return said;
}

test.each<[string, string[], RegExp]>([
  [
    'an address of others',
    ['--host', '192.0.2.1', '--no-auth'],
    /'--host .*192\.0\.2\.1.*0\.0\.0\.0/,
  ],
  ['no chats', ['--slots', '0'], /'--slots <n>'.* 1 to 256/],
  ['a time before now', ['--deadline', '-1'], /'--deadline <seconds>'/],
  ['no host of media', ['--allow-media-url', 'http://'], /'--allow-media-url <host>'.*10\.0\.0\.7/],
  ['no models', ['--models-max', '0'], /'--models-max <n>'/],
  ['no key', ['--api-key', 'secret1', '--api-key', ''], /'--api-key <key>': key 2 of 2/],
  ['a key with a space', ['--api-key', 'secret 2'], /'--api-key <key>': key 1 of 1/],
  ['no folder of media', ['--media-dir', '/nowhere'], /'--media-dir <folder>'.*\/nowhere/],
  ['no site', ['--allow-origin', 'nonsense'], /'--allow-origin <url>'.*https:\/\//],
  ['a page of a site', ['--allow-origin', 'https://a.example/'], /'--allow-origin <url>'/],
  ['no name of the server', ['--allow-host', ''], /'--allow-host <name>'/],
])('%s', async (_, flags, message) => {
  const said = await complaint(flags);
  expect(said).toMatch(message);
  expect(said).not.toContain('secret');
});

test('what is right is not complained of', async () => {
  const right = [
    ...['--allow-origin', 'https://a.example', '--allow-origin', 'http://localhost:3000'],
    ...['--allow-origin', '*', '--allow-origin', 'chrome-extension://abc', '--api-key', 'secret'],
    ...['--allow-media-url', '*.example.com', '--media-dir', import.meta.dirname, '--slots', '256'],
  ];
  expect(await complaint([...right, '--alias', 'a', '--alias', 'b'])).toMatch(/'--alias <name>'/);
});

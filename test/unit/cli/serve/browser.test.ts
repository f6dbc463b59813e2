import { afterEach, expect, it, vi } from 'vitest';
import { openInBrowser, pageLine, pageUrl } from '../../../../src/cli/serve/browser.js';
import { eventually } from '../../../support/eventually.js';

afterEach(() => vi.restoreAllMocks());

it.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/'],
  ['http://0.0.0.0:80', 'http://localhost/'],
  ['http://[::]:8080', 'http://localhost:8080/'],
  ['http://[::1]:8080', 'http://[::1]:8080/'],
  ['http://192.168.0.7:1', 'http://192.168.0.7:1/'],
])('of a server at %s the page is at %s', (server, page) => expect(pageUrl(server)).toBe(page));

it('says where the page is, or why there is none', () => {
  expect(pageLine('http://a/', true)).toBe('The chat page is at http://a/\n');
  expect(pageLine('http://a/', false)).toMatch(/^There is no chat page: .*build:page\)\n$/);
});

it('a browser that cannot be opened is a line, and no more', async () => {
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  openInBrowser('http://a/', { platform: 'linux', env: { PATH: '/nowhere' } });
  await eventually(() =>
    expect(said).toBe('No browser could be opened (xdg-open: ENOENT); go to http://a/\n'),
  );
});

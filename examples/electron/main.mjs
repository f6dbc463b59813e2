// The main process: `ask` answers a question about a picture, and its text streams to the window as it comes. The model computes
// on threads of its own, so the window stays responsive. Packaging: docs/install.md, "Electron".
import { app, BrowserWindow, ipcMain } from 'electron';
import { LlavaOneVision } from 'llava-onevision';

let model;

ipcMain.handle('ask', async ({ sender }, { picture, question }) => {
  model ??= LlavaOneVision.load({
    model: process.env.LLAVA_MODEL ?? '0.5b-ov',
    onProgress: ({ stage, fraction }) => sender.send('loading', { stage, fraction }),
  });
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  sender.once('destroyed', leave);
  try {
    const content = [
      { type: 'image', image: picture }, // a path, or bytes of a dropped file
      { type: 'text', text: question },
    ];
    const stream = (await model).chat([{ role: 'user', content }], {
      maxTokens: 512,
      signal: leaving.signal,
    });
    for await (const { text } of stream) sender.send('text', text);
    return (await stream.result).text;
  } finally {
    sender.off('destroyed', leave);
  }
});

app.on('will-quit', async () => (await model)?.dispose());

await app.whenReady();
const preload = new URL('preload.cjs', import.meta.url).pathname;
await new BrowserWindow({ webPreferences: { preload } }).loadFile('index.html');

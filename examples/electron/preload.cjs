// What the page may do: `await llava.ask(picture, question, (text) => …)`.
const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('llava', {
  async ask(picture, question, onText) {
    const listener = (_event, text) => onText(text);
    ipcRenderer.on('text', listener);
    try {
      return await ipcRenderer.invoke('ask', { picture, question });
    } finally {
      ipcRenderer.off('text', listener);
    }
  },
});

/** Conversations to files and back. */
export { BadImport } from './checked.js';
export { exportJson, exportMarkdown } from './export.js';
export { importJson, importMarkdown } from './import.js';

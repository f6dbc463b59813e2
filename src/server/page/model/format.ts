/** The file of exported conversations. A newer version is one that this page would read wrong. */
export const FORMAT = 'llava-onevision-conversations';
export const VERSION = 1;

/** Of the browser, for what tests run in it. Its own types would contradict Node's in the code that the rig serves. */
// biome-ignore-all lint/suspicious/noExplicitAny: see above
declare const document: any;
declare const navigator: any;
declare const window: any;
declare const DataTransfer: any;
declare const ClipboardEvent: any;
declare const ClipboardItem: any;
declare const MutationObserver: any;
interface Element {
  innerText: string;
  textContent: string;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
}
interface HTMLInputElement {
  focus(): void;
  select(): void;
}

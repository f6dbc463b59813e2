/** An answer as a screen reader should say it: whole sentences, without the marks of Markdown. */

/** The stop after a number may belong to a list. */
const END = /(?<!\d)[.!?…](?=\s)|[。！？]|\n/g;

/** What of `text` is finished beyond `from`, and where that ends. */
export function finishedSentences(text: string, from: number): { said: string; upTo: number } {
  let upTo = from;
  END.lastIndex = from;
  for (let end = END.exec(text); end; end = END.exec(text)) upTo = end.index + end[0].length;
  return { said: spokenText(text.slice(from, upTo)), upTo };
}

/** Without marks. */
export function spokenText(text: string): string {
  const plain = text.replace(/[*_`#>|]+|^\s*[-+]\s/gm, ' ');
  return plain.replace(/\s+/g, ' ').trim();
}

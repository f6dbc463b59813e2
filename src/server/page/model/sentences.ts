/** An answer as a screen reader should say it: whole sentences, without the marks of Markdown. */

const END = /[.!?…](?=\s)|[。！？]|\n/g;

/** What of `text` is finished beyond `from`, and where that ends. */
export function finishedSentences(text: string, from: number): { said: string; upTo: number } {
  let upTo = from;
  END.lastIndex = from;
  for (let end = END.exec(text); end; end = END.exec(text)) upTo = end.index + end[0].length;
  const said = text.slice(from, upTo).replace(/[*_`#>|]+|^\s*[-+]\s/gm, ' ');
  return { said: said.replace(/\s+/g, ' ').trim(), upTo };
}

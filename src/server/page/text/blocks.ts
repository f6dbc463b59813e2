/**
 * A growing text to its Markdown blocks. What a text that only grew cannot change any more is kept as it is, the same objects; only
 * its last two blocks are read again, since what follows may still join them: a list goes on after a blank line, a line under a
 * paragraph makes it a heading. The whole is read once more when it is complete.
 */
import { Lexer, type MarkedOptions, type Token } from 'marked';

const OPEN_BLOCKS = 2;

export class Blocks {
  readonly #options: MarkedOptions;
  #text = '';
  #tokens: Token[] = [];
  /** Addresses that stand apart from their links. */
  #links: Lexer['tokens']['links'] = {};

  constructor(options: MarkedOptions) {
    this.#options = options;
  }

  /** Whether blocks may look otherwise than their source says by itself. */
  get hasReferences(): boolean {
    return Object.keys(this.#links).length > 0;
  }

  /** A block's own tokens, with what is within its lines. @param raw of a block of the text */
  within(raw: string): Token[] {
    const lexer = new Lexer(this.#options);
    lexer.tokens.links = this.#links;
    return lexer.lex(raw);
  }

  /** The tokens of a text that is complete. */
  whole(text: string): readonly Token[] {
    this.read(text, false);
    return this.within(this.#text);
  }

  /** Blocks, for which nothing within a line is looked at. @param isGrowing whether there is more to come */
  read(text: string, isGrowing: boolean): readonly Token[] {
    const lines = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    const isMore = isGrowing && lines.length > this.#text.length && lines.startsWith(this.#text);
    const kept = isMore ? this.#settled() : [];
    const at = kept.reduce((sum, { raw }) => sum + raw.length, 0);
    const lexer = new Lexer(this.#options);
    if (isMore) lexer.tokens.links = this.#links;
    this.#tokens = [...kept, ...lexer.blockTokens(lines.slice(at), lexer.tokens)];
    this.#links = lexer.tokens.links;
    this.#text = lines;
    return this.#tokens;
  }

  #settled(): Token[] {
    let nOpen = 0;
    let end = this.#tokens.length;
    while (end > 0 && nOpen < OPEN_BLOCKS) if (this.#tokens[--end]!.type !== 'space') nOpen++;
    return this.#tokens.slice(0, end);
  }
}

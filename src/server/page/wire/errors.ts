/** How asking the server fails. */

/** Nobody answers, or stops in the middle. */
export class Unreachable extends Error {
  constructor(options?: ErrorOptions) {
    super('The server does not answer.', options);
    this.name = 'Unreachable';
  }
}

/** The server wants a key, or another one. */
export class NeedsKey extends Error {
  constructor() {
    super('The server wants a key.');
    this.name = 'NeedsKey';
  }
}

interface Refusal {
  status?: number | undefined;
  /** The field of the request that it does not like. */
  param?: string | undefined;
  code?: string | undefined;
  /** Seconds after which it is worth another try. */
  retryAfter?: number | undefined;
}

/** The server's own words why not. */
export class Refused extends Error {
  readonly status: number | undefined;
  readonly param: string | undefined;
  readonly code: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(message: string, { status, param, code, retryAfter }: Refusal = {}) {
    super(message);
    this.name = 'Refused';
    this.status = status;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** @param body `{ error: { message … } }` of the API, or whatever stands between the page and the server */
export function refusal(body: unknown, more: Refusal = {}): Refused {
  const { error } = (body ?? {}) as { error?: Record<string, unknown> };
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const message = text(error?.message) ?? `The server answers ${more.status ?? 'nonsense'}.`;
  return new Refused(message, { ...more, param: text(error?.param), code: text(error?.code) });
}

/**
 * Formats as patterns. Each admits only texts that every common validator accepts, so some rare ones are left out (a
 * second 60, mail addresses with quotes, web addresses with IPv6 hosts, names of hosts near the length limit). `EXACT` ones admit all there is,
 * so that their opposite can be said too. Formats that JSON schema does not define are annotations: undefined here.
 */
const LEAP_YEAR = '(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE = `(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|${LEAP_YEAR}-02-29)`;
const CLOCK = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?';
const ZONE = '(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])';
const BYTE = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `(?:${BYTE}\\.){3}${BYTE}`;
const H16 = '[0-9a-fA-F]{1,4}';
const LS32 = `(?:${H16}:${H16}|${IPV4})`;
const IPV6 = [
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  `(?:${H16})?::(?:${H16}:){4}${LS32}`,
  `(?:(?:${H16}:){0,1}${H16})?::(?:${H16}:){3}${LS32}`,
  `(?:(?:${H16}:){0,2}${H16})?::(?:${H16}:){2}${LS32}`,
  `(?:(?:${H16}:){0,3}${H16})?::${H16}:${LS32}`,
  `(?:(?:${H16}:){0,4}${H16})?::${LS32}`,
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join('|');
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
// No longer than the 253 characters that are allowed.
const SHORT_LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?';
const HOST = `${SHORT_LABEL}(?:\\.${SHORT_LABEL}){0,5}`;
const ESCAPED = '%[0-9A-Fa-f]{2}';
const PCHAR = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|${ESCAPED})`;
const USER = `(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|${ESCAPED})*@)?`;
const REG_NAME = `(?:[A-Za-z0-9._~!$&'()*+,;=-]|${ESCAPED})*`;
const SCHEME = '[A-Za-z][A-Za-z0-9+.-]*';
// A path and its query in one: behind the first of either they are the same characters.
const MORE = `(?:${PCHAR}|[/?])*`;
const AUTHORITY = `//${USER}${REG_NAME}(?::[0-9]{0,5})?(?:[/?]${MORE})?`;
const ROOTED = `/(?:(?:${PCHAR}|\\?)${MORE})?`;
const FRAGMENT = `(?:#${MORE})?`;
const URI = `${SCHEME}:(?:${AUTHORITY}|${ROOTED}|${PCHAR}${MORE})${FRAGMENT}`;
const PCHAR_NO_COLON = `(?:[A-Za-z0-9._~!$&'()*+,;=@-]|${ESCAPED})`;
const RELATIVE = `(?:${AUTHORITY}|${ROOTED}|${PCHAR_NO_COLON}+(?:[/?]${MORE})?|\\?${MORE})?${FRAGMENT}`;
const POINTER = '(?:/(?:[^~/]|~[01])*)*';
const DAYS = '(?:[0-9]+D)';
const TIMES = 'T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)';
const MONTHS = `(?:[0-9]+M${DAYS}?|${DAYS})`;
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const MAILBOX = `${ATOM}(?:\\.${ATOM})*@`;
const EMAIL = `${MAILBOX}(?:${LABEL}\\.)+${LABEL}`;

const PATTERNS: Readonly<Record<string, string>> = {
  date: DATE,
  time: `${CLOCK}${ZONE}`,
  'date-time': `${DATE}[Tt]${CLOCK}${ZONE}`,
  duration: `P(?:(?:[0-9]+Y(?:${MONTHS})?|${MONTHS})(?:${TIMES})?|${TIMES}|[0-9]+W)`,
  uuid: '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  email: EMAIL,
  ipv4: IPV4,
  ipv6: IPV6,
  hostname: HOST,
  uri: URI,
  'uri-reference': `(?:${URI}|${RELATIVE})`,
  'uri-template': `(?:[A-Za-z0-9._~!$&()*+,;=:@/?#-]|${ESCAPED}|\\{[+#./;?&]?[A-Za-z0-9_]+(?:\\*|:[1-9][0-9]{0,3})?(?:,[A-Za-z0-9_]+(?:\\*|:[1-9][0-9]{0,3})?)*\\})*`,
  'json-pointer': POINTER,
  'relative-json-pointer': `(?:0|[1-9][0-9]{0,8})(?:#|${POINTER})`,
  byte: '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
  // The ASCII ones are among them.
  'idn-email': EMAIL,
  'idn-hostname': HOST,
  iri: URI,
  'iri-reference': `(?:${URI}|${RELATIVE})`,
};
const EXACT = new Set(['date', 'ipv4', 'json-pointer']);

/** A label of any length, for names so short that none of theirs is too long. */
const ANY_LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';

/**
 * What a format is beside "maxLength": `head` and `tail`, or `alone`. Counting its characters beside those of every
 * label takes too many states, so the tail is kept as short as one label may be, and its characters count for both.
 */
export interface ShortForm {
  readonly pattern: string;
  /** Characters of the format's longest text. */
  readonly longest: number;
  readonly alone?: string;
  readonly head: string;
  /** Characters of the head. */
  readonly headMost: number;
  readonly tail: string;
  readonly tailMost: number;
}

export const SHORT_FORMS: readonly ShortForm[] = [
  {
    pattern: whole(EMAIL),
    longest: Number.POSITIVE_INFINITY,
    head: MAILBOX,
    headMost: 65,
    tail: `(?:${ANY_LABEL}\\.)+${ANY_LABEL}`,
    tailMost: 65,
  },
  {
    pattern: whole(HOST),
    longest: 245,
    alone: LABEL,
    head: `${LABEL}\\.`,
    headMost: 64,
    tail: `${ANY_LABEL}(?:\\.${ANY_LABEL})*`,
    tailMost: 63,
  },
];

/** A format that ends in labels between dots: its grammar has the rules of a label once. */
export interface LabelForm {
  readonly pattern: string;
  readonly head: string;
  readonly label: string;
  readonly least: number;
  readonly most: number;
}

export const LABEL_FORMS: readonly LabelForm[] = [
  {
    pattern: whole(EMAIL),
    head: MAILBOX,
    label: LABEL,
    least: 2,
    most: Number.POSITIVE_INFINITY,
  },
  { pattern: whole(HOST), head: '', label: SHORT_LABEL, least: 1, most: 6 },
];

function whole(pattern: string): string {
  return `^(?:${pattern})$`;
}

export interface FormatPattern {
  readonly pattern: string;
  readonly isExact: boolean;
}

export function formatPattern(format: string): FormatPattern | undefined {
  const pattern = Object.hasOwn(PATTERNS, format) ? PATTERNS[format] : undefined;
  if (!pattern) return undefined;
  return { pattern: whole(pattern), isExact: EXACT.has(format) };
}

/** Formats that JSON schema defines and no grammar can say. */
export const UNSAYABLE_FORMATS: ReadonlySet<string> = new Set(['regex']);

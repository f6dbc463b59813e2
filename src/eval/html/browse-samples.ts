/** The page's script: filters the samples and shows them, some at a time. Runs in a browser; everything shown is text. */
export const BROWSE_SAMPLES = `
const { samples } = JSON.parse(document.getElementById('data').textContent);
const find = (id) => document.getElementById(id);
const list = find('samples');
const PAGE = 40;
let found = [];
let shown = 0;
function make(tag, text) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  return node;
}
function kindOf({ score, problem }) {
  if (score === null) return problem.startsWith('ERR_') ? 'failed' : 'unscored';
  return score > 0 ? 'above' : 'zero';
}
function card(sample) {
  const article = make('article');
  for (const url of sample.pictures) {
    const image = make('img');
    image.src = url;
    image.alt = 'picture of ' + sample.id;
    article.append(image);
  }
  const facts = make('dl');
  const score = sample.score === null ? sample.problem : String(Math.round(sample.score * 1000) / 1000);
  const values = { sample: sample.benchmark + ' ' + sample.id, category: sample.category, question: sample.prompt,
    answer: sample.answer, expected: sample.gold, score };
  for (const [name, value] of Object.entries(values)) {
    if (value === '') continue;
    const definition = make('dd');
    definition.append(make('pre', value));
    facts.append(make('dt', name), definition);
  }
  article.append(facts);
  return article;
}
function showMore() {
  list.append(...found.slice(shown, shown + PAGE).map(card));
  shown = Math.min(found.length, shown + PAGE);
  find('count').textContent = shown + ' of ' + found.length;
  find('more').hidden = shown === found.length;
}
function filter() {
  const [benchmark, kind, words] = ['benchmark', 'kind', 'words'].map((id) => find(id).value);
  const wanted = words.toLowerCase();
  found = samples.filter((sample) =>
    (benchmark === '' || sample.benchmark === benchmark) && (kind === '' || kindOf(sample) === kind) &&
    [sample.id, sample.category, sample.prompt, sample.answer, sample.gold, sample.problem].some((text) => text.toLowerCase().includes(wanted)));
  shown = 0;
  list.replaceChildren();
  showMore();
}
for (const id of ['benchmark', 'kind', 'words']) find(id).addEventListener('input', filter);
find('more').addEventListener('click', showMore);
filter();
`;

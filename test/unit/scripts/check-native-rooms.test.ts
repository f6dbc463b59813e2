// The check of native/'s includes, on small trees: what it lets through and what it names.
import { expect, test } from 'vitest';
import { roomProblems } from '../../../scripts/check-native-rooms.mjs';

const tree = {
  'errors.h': '#include <string>\n',
  'gguf/file.h': '#include "errors.h"\n',
  'js/args.h': '#include <napi.h>\n#include "errors.h"\n',
  'js/model.cc': '#include "args.h"\n#include "llama/model.h"\n',
  'llama/model.h': '#include <llama.h>\n#include "gguf/file.h"\n',
  'vision/tower.cc': '// as "js/args.h" reads\n#include "llama/model.h"\n',
};

test('later rooms include earlier ones, and js Node-API', () => {
  expect(roomProblems(tree)).toEqual([]);
});

test.each([
  ['errors.h', '#include <napi.h>', 'only js/ may include napi.h'],
  ['vision/tower.cc', '#include <node_api.h>', 'only js/ may include node_api.h'],
  ['vision/tower.cc', '  #  include "js/args.h"', 'js/args.h lies in a later room'],
  ['llama/model.h', '#include "../js/args.h"', 'js/args.h lies in a later room'],
  ['gguf/file.h', '#include "llama/model.h"', 'llama/model.h lies in a later room'],
  ['kernels/dot.cc', '#include "errors.h"', 'errors.h lies in a later room'],
  ['errors.h', '#include <gguf/file.h>', 'gguf/file.h lies in a later room'],
  ['tools/a.cc', '', "there is no room 'tools'"],
])('%s: %s', (file, line, problem) => {
  const files = { ...tree, [file]: `#pragma once\n${line}\n` };
  expect(roomProblems(files)).toEqual([`native/${file}: ${problem}`]);
});

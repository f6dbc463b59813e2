import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissionFlags } from '../../scripts/apps/programs.mjs';
import { tryTarball } from '../../scripts/release/build-package.mjs';
import { parsePlatform } from '../../scripts/release/pack-platform.mjs';
import {
  CPU_PACKAGES,
  GPU_PACKAGES,
  SCOPE,
  thisPlatform,
} from '../../src/addon/platform-packages.js';
import { type BareMachine, bareMachine } from '../support/bare-machine.js';
import { writePrograms } from '../support/packaged-programs.js';
import {
  type Packed,
  PLATFORM,
  packBoth,
  readJson,
  root,
  run,
  version,
} from '../support/packed.js';
import { startRegistry } from '../support/registry.js';
import { commandsOf, snippetsOf } from '../support/snippets.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'llavaov-package-')));
let main: Packed;
let platform: Packed;
let machine: BareMachine;
let registry: Awaited<ReturnType<typeof startRegistry>>;

const evaluate = (code: string, flags: string[] = []) => machine.inApp([...flags, '--eval', code]);
const command = (...args: string[]) =>
  machine.inApp(['node_modules/llava-onevision/dist/src/cli/main.js', ...args]);

const [ofClone, permitted, ...others] = snippetsOf('docs/install.md', 'sh');

beforeAll(async () => {
  expect(others).toEqual([]);
  ({ main, platform } = packBoth(folder));
  registry = await startRegistry(root('node_modules'), [main, platform]);
  machine = bareMachine(folder, registry.url);
  const installed = await machine.npmInstall('llava-onevision');
  expect(installed.status, installed.output).toBe(0);
}, 240_000);

afterAll(async () => {
  await registry?.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('the main package', () => {
  test('has JavaScript, types, what compiles the addon, and no binary', () => {
    const kinds = [
      /^(LICENSE|README\.md|package\.json|CMakeLists\.txt)$/,
      /^dist\/(src|eval)\/.*\.(js|d\.ts)$/,
      /^dist\/src\/server\/page\/(index\.html|assets\/([\w-]+\.css|LICENSES\.md))$/,
      /^docs\/([\w-]+\.md|images\/[\w-]+\.png)$/,
      /^demo\/(checkpoint|pictures)\/[\w.-]+$/,
      /^src\/verify\/tables\/[\w.-]+\.json$/,
      /^(native\/((?!interop)\w+\/)?|cmake\/)[\w.-]+\.(cc|h|cmake|txt)$/,
      /^scripts\/build\/[\w-]+\.mjs$/,
      /^scripts\/build\/(llama-source\.json|patches\/[\w-]+\.patch)$/,
    ];
    expect(main.files.filter((file) => !kinds.some((kind) => kind.test(file)))).toEqual([]);
    const needed = ['dist/src/index.js', 'dist/src/index.d.ts', 'native/js/addon.cc', 'LICENSE'];
    const ofPage = ['index.html', 'worker.js', 'assets/LICENSES.md'];
    needed.push(...ofPage.map((name) => `dist/src/server/page/${name}`));
    for (const file of needed) expect(main.files).toContain(file);
  });

  test('has nothing of sources that are gone', () => {
    const compiled = main.files.filter((file) =>
      /^dist\/(?!src\/server\/page\/).*\.js$/.test(file),
    );
    const sources = compiled.map((file) => file.replace(/^dist\/(.*)\.js$/, '$1.ts'));
    expect(sources.filter((file) => !statSync(root(file), { throwIfNoEntry: false }))).toEqual([]);
  });

  test('names the platform packages at its own version', () => {
    const atVersion = (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [`${SCOPE}/${name}`, version]));
    expect(main.manifest.optionalDependencies).toEqual(atVersion(CPU_PACKAGES));
    expect(main.manifest.peerDependencies).toMatchObject(atVersion(GPU_PACKAGES));
    const optional = main.manifest.peerDependenciesMeta as Record<string, unknown>;
    for (const name of Object.keys(main.manifest.peerDependencies as object))
      expect(optional[name]).toEqual({ optional: true });
    // A script at installation is an error to pnpm, a warning to npm.
    expect(main.manifest.scripts).toBeUndefined();
    expect(main.files).not.toContain('binding.gyp');
  });

  test('carries all that its build script needs', () => {
    const { status, stdout } = run(
      process.execPath,
      [main.at('scripts/build/build-native.mjs'), '--help'],
      {
        cwd: main.at(''),
        // Its dependencies are not beside it here.
        env: { ...process.env, NODE_PATH: root('node_modules') },
      },
    );
    expect([status, stdout.includes('--vulkan')]).toEqual([0, true]);
  });

  test('is free of findings of publint and attw', () => {
    const publint = run(process.execPath, [
      ...[root('node_modules/publint/src/cli.js'), 'run', main.file, '--strict'],
    ]);
    expect(publint.status, publint.stdout + publint.stderr).toBe(0);
    // The rule warns of require() of an ES module, which every Node of `engines` can do. Without it attw cannot be clean:
    // it would take a second, CommonJS copy of types that are no different. Resolution as Node 10 had it knows no subpaths.
    const attw = run(process.execPath, [
      ...[root('node_modules/@arethetypeswrong/cli/dist/index.js'), main.file],
      ...['--ignore-rules', 'cjs-resolves-to-esm', '--profile', 'node16', '--no-color'],
    ]);
    expect(attw.status, attw.stdout + attw.stderr).toBe(0);
  }, 60_000);
});

describe('the platform package', () => {
  test('has the builds of its list, licences and README', () => {
    const builds = `prebuilds/${process.platform}-${process.arch}`;
    const list = `${builds}/variants.json`;
    const variants = readJson(platform.at(list)) as { file: string; needs: string[] }[];
    const isAsked = variants.some(({ needs }) => needs.length > 0);
    const probe = isAsked ? ['cpu-features.node'] : [];
    const addons = [...probe, ...variants.map(({ file }) => file)];
    const texts = ['LICENSES', 'README.md', 'package.json', list];
    expect(platform.files).toEqual([...texts, ...addons.map((file) => `${builds}/${file}`)].sort());
    const licences = readFileSync(platform.at('LICENSES'), 'utf8');
    for (const holder of ['The ggml authors', 'Mozilla Foundation', 'Node.js API collaborators'])
      expect(licences).toContain(holder);
  });

  test('is for this platform only', () => {
    const { platform: os, arch, libc } = thisPlatform();
    expect(platform.manifest).toMatchObject({
      ...{ name: `${SCOPE}/${PLATFORM}`, version, os: [os], cpu: [arch] },
      ...(libc && { libc: [libc] }),
    });
    expect(CPU_PACKAGES).toContain(basename(platform.manifest.name));
  });

  test('loads from its tarball', () => {
    const { variants, files } = tryTarball(platform.file, parsePlatform(PLATFORM));
    expect(variants.length).toBeGreaterThan(0);
    expect(Object.keys(files).sort()).toEqual(platform.files);
  });

  // The limits are those of scripts/release/pack-platform.mjs too.
  test('is small', () => {
    const size = platform.files.reduce((sum, file) => sum + statSync(platform.at(file)).size, 0);
    expect(statSync(platform.file).size).toBeLessThan(15e6);
    expect(size).toBeLessThan(40e6);
  });
});

describe('installed, with no compiler on the path', () => {
  test('npm chose the package of this platform', () => {
    expect(readdirSync(join(machine.app, 'node_modules', SCOPE))).toEqual([PLATFORM]);
    const { status, stdout } = command('doctor', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).addon.backend.package).toBe(`${SCOPE}/${PLATFORM}`);
  });

  const LOADS = "console.log(typeof LlavaOneVision.load, typeof convert, new LlavaError('x').code)";
  test.each([
    ['import', "await import('llava-onevision')", 'module'],
    ['require', "require('llava-onevision')", 'commonjs'],
  ])('%s loads it', (_, loaded, type) => {
    const code = `const { LlavaOneVision, LlavaError, convert } = ${loaded}; ${LOADS}`;
    const { status, stdout } = evaluate(code, [`--input-type=${type}`]);
    expect([status, stdout]).toEqual([0, 'function function x\n']);
  });

  test('convert makes a model of the checkpoint, run answers about a picture', () => {
    cpSync(root('demo/pictures'), join(machine.app, 'pictures'), { recursive: true });
    const named = ['--outdir', '.', '--name', 'demo'];
    const converted = command('convert', root('demo/checkpoint'), ...named);
    expect(converted.status, converted.stderr).toBe(0);
    const [{ picture, question, answer }] = readJson(root('demo/questions.json'));
    const files = ['--model', 'demo-f16.gguf', '--mmproj', 'mmproj-demo-f16.gguf'];
    const asked = ['--image', picture, '--prompt', question, '--threads', '1'];
    const { status, stdout, stderr } = command('run', '--quiet', ...files, ...asked);
    expect(stderr).toBe('');
    expect([status, stdout]).toEqual([0, `${answer}\n`]);
  });

  test('the example of README.md runs', () => {
    const [example = '', ...others] = snippetsOf('README.md');
    expect(others).toEqual([]);
    const [{ picture }] = readJson(root('demo/questions.json'));
    cpSync(join(machine.app, picture), join(machine.app, 'photo.jpg'));
    // A folder goes before the model of that name.
    const [, name = ''] = /load\(\{ model: '([^']+)' \}\)/.exec(example) ?? [];
    mkdirSync(join(machine.app, name));
    for (const file of ['demo-f16.gguf', 'mmproj-demo-f16.gguf'])
      cpSync(join(machine.app, file), join(machine.app, name, file));
    writeFileSync(join(machine.app, 'example.mjs'), example);
    const { status, stdout, stderr } = machine.inApp(['example.mjs']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.length).toBeGreaterThan(0);
  });

  test('the demonstration answers by its name, from what the package brings', () => {
    const [{ picture, question, answer }] = readJson(root('demo/questions.json'));
    const asked = ['run', '--quiet', 'demo', picture, question, '--threads', '1', '--offline'];
    const { status, stdout, stderr } = command(...asked);
    expect([status, stdout, stderr]).toEqual([0, `${answer}\n`, '']);
  });

  test('a worker thread loads it beside the main thread', () => {
    const { status, stdout } = evaluate(
      `const { LlavaOneVision } = require('llava-onevision');
       const { Worker, isMainThread } = require('node:worker_threads');
       const load = () => LlavaOneVision.load({ model: 'demo-f16.gguf', threads: 1, contextSize: 64 });
       const answer = async (model) => {
         const { text } = await model.chat([{ role: 'user', content: 'hi' }], { maxTokens: 2 }).result;
         console.log(typeof text);
         await model.dispose();
       };
       load().then(answer).then(() => {
         new Worker(
           \`const { LlavaOneVision } = require('llava-onevision');
            (\${load})().then(\${answer})\`, { eval: true });
       });`,
    );
    expect([status, stdout]).toEqual([0, 'string\nstring\n']);
  });

  test('it works under vitest, whose vmThreads have no Symbol.asyncDispose before Node 24', () => {
    writePrograms(machine.app);
    symlinkSync(root('node_modules/vitest'), join(machine.app, 'node_modules/vitest'));
    const vitest = join(machine.app, 'node_modules/vitest/vitest.mjs');
    const { status, stdout, stderr } = run(
      process.execPath,
      [vitest, 'run', '--root', machine.app, '--pool', 'vmThreads', '--reporter', 'verbose'],
      { cwd: machine.app, env: { PATH: process.env.PATH, HOME: folder } },
    );
    expect(status, stdout + stderr).toBe(0);
  });

  // Yarn's PnP puts classes of its own in the place of node:fs/promises' handles.
  test('it works where file handles are not disposable', () => {
    const { status, stdout, stderr } = evaluate(
      `import { open } from 'node:fs/promises';
       const handle = await open('every-kind.mjs');
       delete Object.getPrototypeOf(handle)[Symbol.asyncDispose];
       await handle.close();
       const { work } = await import('./every-kind.mjs');
       console.log((await work(false)) > 1);`,
      ['--input-type=module'],
    );
    expect([status, stdout, stderr]).toEqual([0, 'true\n', '']);
  });

  test('the permission model lets it work with the flags that the docs print, and they are all needed', () => {
    const flags = permissionFlags(permitted!, machine.app);
    const { status, stdout, stderr } = machine.inApp([...flags, 'permitted.mjs']);
    expect([status, stdout], stderr).toEqual([0, 'true\n']);
    // sharp, which reads pictures, is an addon too and says so first.
    const without = flags.filter((flag) => flag !== '--allow-addons');
    expect(machine.inApp([...without, 'permitted.mjs']).stderr).toContain('ERR_DLOPEN_DISABLED');
  });
});

test('where npm leaves the platform package out, what to do is said', async () => {
  rmSync(join(machine.app, 'node_modules', SCOPE), { recursive: true });
  const { status, stdout } = command('doctor');
  expect(status).toBe(1);
  expect(stdout).toContain(`npm install ${SCOPE}/${PLATFORM}@${version}`);
  expect(stdout).toContain('npx llava-onevision build');
  // Which it may not on this machine: it says what that takes.
  expect(command('build')).toMatchObject({ status: 1, stderr: expect.stringMatching(/CMake/) });
});

/** This is the clone, and the tests before have packed it. */
test('what docs/install.md does with a clone brings the platform package, and doctor is content', async () => {
  const [clone, install, pack, goTo, fromPackages, ...doctor] = commandsOf(ofClone!);
  expect([clone![1], install!.join(' ')]).toEqual(['clone', 'npm install']);
  expect([...pack!, ...goTo!].join(' ')).toBe('npm run pack:local -- ../packages cd ../my-app');
  expect(fromPackages).toEqual(['npm', 'install', '../packages/*.tgz']);
  const installed = await machine.npmInstall(main.file, platform.file);
  expect(installed.status, installed.output).toBe(0);
  expect([doctor, command('doctor').status]).toEqual([[['llava-onevision', 'doctor']], 0]);
});

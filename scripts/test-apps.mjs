/**
 * Installs the package as users will, with each package manager, and runs it under each of them, in bundles, in workers, in
 * vitest and under Node's permission model (`npm run test:apps [-- NAME...]`). Needs the network and the local build; what is
 * not ours comes from the npm registry. Prints a table; ends with status 1 when something failed.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packOtherPlatforms } from './apps/other-platforms.mjs';
import { permissionFlags, writeApp } from './apps/programs.mjs';
import { startRegistry } from './apps/registry.mjs';
import { Failure, main } from './build/failure.mjs';
import { npm, unpack } from './release/npm.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const at = (name) => path.join(ROOT, name);
const NODE = process.execPath;
const [major] = process.versions.node.split('.').map(Number);
/** pnpm 11 and later ask for Node 22; 10 refuses scripts as an error when it is told to. */
const TOOLS = [major < 22 ? 'pnpm@10' : 'pnpm', '@yarnpkg/cli-dist', 'bun', 'deno'];
const APP_TOOLS = ['esbuild', 'webpack', 'vitest@4'];
const LIMIT_MS = 300_000;

/** @returns what it printed, once it has ended well @throws Failure with its output */
function run(app, command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: app, env, timeout: LIMIT_MS });
    let output = '';
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => reject(new Failure(error.message)));
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(stdout);
      reject(
        new Failure(`${path.basename(command)} ${args.join(' ')}: ${signal ?? status}\n${output}`),
      );
    });
  });
}

/** What every package manager is asked, and then every way to run the app that it installed into. */
function trials({ tools, url, npmCli }) {
  const bin = (file) => path.join(tools, 'node_modules', file);
  const find = (folder, name) => {
    const found = readdirSync(path.join(tools, 'node_modules', folder))
      .map((one) => path.join(tools, 'node_modules', folder, one))
      .flatMap((one) => [path.join(one, name), path.join(one, 'bin', name)])
      .find((file) => existsSync(file));
    return found ?? name;
  };
  const yarnrc = (linker) => ({
    '.yarnrc.yml': `nodeLinker: ${linker}\nnpmRegistryServer: "${url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nnpmMinimalAgeGate: 0\n`,
    'yarn.lock': '',
  });
  const yarn = [NODE, bin('@yarnpkg/cli-dist/bin/yarn.js')];
  const pnpm = [NODE, bin(major < 22 ? 'pnpm/bin/pnpm.cjs' : 'pnpm/bin/pnpm.mjs')];
  const ask = { node: [NODE, 'ask.mjs'] };
  return [
    {
      ...{ name: 'npm', install: [NODE, npmCli, 'install', 'llava-onevision', ...APP_TOOLS] },
      ways: {
        ...{ import: [NODE, 'ask.mjs'], require: [NODE, 'ask.cjs'], worker: [NODE, 'worker.mjs'] },
        permission: (app) => [
          NODE,
          ...permissionFlags(readFileSync(at('docs/install.md'), 'utf8'), app),
          'ask.mjs',
        ],
        ...{ esbuild: [NODE, 'esbuild.mjs'], webpack: [NODE, 'webpack.mjs'] },
        vmThreads: [NODE, 'node_modules/vitest/vitest.mjs', 'run', '--pool', 'vmThreads'],
      },
    },
    {
      ...{ name: 'pnpm', install: [...pnpm, 'add', 'llava-onevision'], ways: ask },
      files: { 'pnpm-workspace.yaml': 'packages: []\nstrictDepBuilds: true\n' },
    },
    {
      ...{ name: 'yarn-node-modules', install: [...yarn, 'add', 'llava-onevision'], ways: ask },
      files: yarnrc('node-modules'),
    },
    {
      ...{ name: 'yarn-pnp', install: [...yarn, 'add', 'llava-onevision'] },
      ...{ files: yarnrc('pnp'), ways: { node: [...yarn, 'node', 'ask.mjs'] } },
    },
    {
      ...{ name: 'bun', install: [find('@oven', 'bun'), 'add', 'llava-onevision'] },
      ways: { ...ask, bun: [find('@oven', 'bun'), 'ask.mjs'] },
    },
    {
      ...{ name: 'deno', install: [find('@deno', 'deno'), 'add', 'npm:llava-onevision'] },
      files: { 'deno.json': '{ "nodeModulesDir": "auto" }\n' },
      ways: { deno: [find('@deno', 'deno'), 'run', '-A', 'ask.mjs'] },
    },
  ];
}

/** What the network needs: of this process's environment, in which npm leaves its own, nothing else. */
const NETWORK = /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|NODE_USE_ENV_PROXY)$/i;

function environment(home, url) {
  const network = Object.entries(process.env).filter(([name]) => NETWORK.test(name));
  return {
    ...Object.fromEntries(network),
    ...{ PATH: process.env.PATH, HOME: home, USERPROFILE: home, TMPDIR: os.tmpdir(), CI: '1' },
    ...{ npm_config_registry: url, NPM_CONFIG_REGISTRY: url, BUN_CONFIG_REGISTRY: url },
    ...{ npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' },
  };
}

/** The packages as tarballs with their manifests. */
function pack(folder) {
  const args = [at('scripts/release/pack-local.mjs'), folder];
  const { status, stderr } = spawnSync(NODE, args, { encoding: 'utf8' });
  if (status !== 0) throw new Failure(stderr);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => {
      const tarball = path.join(folder, name);
      const to = mkdtempSync(path.join(folder, 'unpacked-'));
      const manifest = JSON.parse(
        readFileSync(path.join(unpack(tarball, to), 'package.json'), 'utf8'),
      );
      return { tarball, manifest };
    });
}

/** The demonstration's files, made by the clone. @returns its first question */
function makeModels(folder) {
  const cli = [at('dist/src/cli/main.js'), 'convert', at('demo/checkpoint')];
  const { status, stderr } = spawnSync(NODE, [...cli, '--outdir', folder, '--name', 'demo'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Failure(stderr);
  const [demo] = JSON.parse(readFileSync(at('demo/questions.json'), 'utf8'));
  copyFileSync(at(path.join('demo', demo.picture)), path.join(folder, 'picture.png'));
  return demo;
}

/** @yields rows of the table */
async function* tryManager({ name, install, files = {}, ways }, { folder, env, demo, models }) {
  const app = path.join(folder, name);
  mkdirSync(app);
  writeApp(app, demo, models);
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(app, file), text);
  const row = async (what, work) => {
    const start = Date.now();
    const problem = await work().then(
      () => '',
      (error) => error.message,
    );
    return { name, what, problem, seconds: (Date.now() - start) / 1000 };
  };
  const installed = await row('install', () => run(app, install[0], install.slice(1), env));
  yield installed;
  if (installed.problem) return;
  for (const [way, given] of Object.entries(ways)) {
    const [command, ...args] = typeof given === 'function' ? given(app) : given;
    yield row(way, async () => {
      const said = await run(app, command, args, env);
      if (way !== 'vmThreads' && !said.trim().endsWith(demo.answer))
        throw new Failure(`it said ${said}, not ${demo.answer}`);
    });
  }
}

async function testApps() {
  const only = process.argv.slice(2);
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'llava-onevision-apps-')));
  const [packs, others, models, tools, home] = [
    'packages',
    'others',
    'models',
    'tools',
    'home',
  ].map((name) => path.join(folder, name));
  for (const one of [packs, others, models, tools, home]) mkdirSync(one);
  const upstream = npm(['config', 'get', 'registry']).trim();
  const own = pack(packs);
  const registry = await startRegistry(upstream, [...own, ...packOtherPlatforms(own, others)]);
  try {
    const demo = makeModels(models);
    writeFileSync(path.join(tools, 'package.json'), '{ "private": true }\n');
    npm(['install', '--ignore-scripts', ...TOOLS], { cwd: tools });
    const npmCli = path.join(npm(['root', '-g']).trim(), 'npm/bin/npm-cli.js');
    const env = environment(home, registry.url);
    let nFailed = 0;
    for (const trial of trials({ tools, url: registry.url, npmCli })) {
      if (only.length > 0 && !only.includes(trial.name)) continue;
      for await (const { name, what, problem, seconds } of tryManager(trial, {
        folder,
        env,
        demo,
        models,
      })) {
        if (problem) nFailed++;
        console.log(
          `${name.padEnd(18)} ${what.padEnd(11)} ${problem ? 'FAILED' : 'ok    '} ${seconds.toFixed(1).padStart(6)} s`,
        );
        if (problem) console.log(`  ${problem.trim().slice(-2000).replaceAll('\n', '\n  ')}`);
      }
    }
    if (nFailed > 0) throw new Failure(`${nFailed} failed.`);
  } finally {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(testApps);

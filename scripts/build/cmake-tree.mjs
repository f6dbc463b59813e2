/** A CMake build tree and its log: configured with cmake-js, which finds Node's headers, compiled with a progress bar. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmakeDefines } from './build-options.mjs';
import { Failure } from './failure.mjs';
import { llamaSource, PIN } from './llama-source.mjs';
import { createProgress } from './progress.mjs';
import { cudaDefines, diagnoseConfigure } from './toolchain.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

/** How far a build is by a line of Ninja's ([12/80]) or Make's ([ 15%]) output. */
export function buildFraction(line) {
  const ninja = /^\[(\d+)\/(\d+)\]/.exec(line);
  if (ninja) return Number(ninja[1]) / Number(ninja[2]);
  const make = /^\[ *(\d+)%\]/.exec(line);
  return make ? Number(make[1]) / 100 : undefined;
}

export class CmakeTree {
  #folder;
  #options;
  #kind;
  #logFile;
  #log;

  /** @param options of parseBuildArguments() @param logFile begins anew */
  constructor(folder, options, logFile = path.join(ROOT, '.build/build.log')) {
    this.#folder = folder;
    this.#options = options;
    this.#kind = options.debug ? 'Debug' : 'Release';
    this.#logFile = logFile;
    mkdirSync(path.dirname(logFile), { recursive: true });
    this.#log = openSync(logFile, 'w');
  }

  close() {
    closeSync(this.#log);
  }

  /** @param extra definitions that go before those of the command line @throws Failure */
  async configure(extra = []) {
    const options = this.#options;
    if (!options.quiet) console.error(`Configuring ${path.relative(ROOT, this.#folder)}`);
    const defines = [...extra, ...cmakeDefines(options), `-DLLAMA_CPP_DIR=${llamaSource()}`];
    if (options.cuda) defines.push(...cudaDefines(options));
    const cmakeJs = path.join(
      path.dirname(require.resolve('cmake-js/package.json')),
      'bin/cmake-js',
    );
    const args = [cmakeJs, 'configure', '--out', this.#folder, '--config', this.#kind];
    // ggml refuses Microsoft's own compiler there.
    if (process.platform === 'win32' && process.arch === 'arm64') args.push('-t', 'ClangCL');
    const status = await this.#run(process.execPath, [...args, '--', ...defines]);
    if (status === 0) return;
    const hint = diagnoseConfigure(readFileSync(this.#logFile, 'utf8'), options);
    throw new Failure(
      `CMake could not configure the build; ${this.#logEnd(30)}\n${hint ? `\n${hint}` : ''}`,
    );
  }

  /** @throws Failure */
  async compile(targets, what = `llama.cpp ${PIN.tag} and the addon`) {
    const progress = createProgress(`Compiling ${what}`, { isQuiet: this.#options.quiet });
    const args = ['--build', this.#folder, '--config', this.#kind];
    args.push('--parallel', String(this.#options.jobs), '--target', ...targets);
    const status = await this.#run('cmake', args, {
      env: { NINJA_STATUS: '[%f/%t] ' },
      onLine: (line) => {
        const fraction = buildFraction(line);
        if (fraction !== undefined) progress.update(fraction);
      },
    });
    progress.stop();
    if (status !== 0) throw new Failure(`Compiling failed; ${this.#logEnd(40)}`);
  }

  /** The path of what compile() made. @throws Failure */
  product(target) {
    const name = `${target}.node`;
    const folders = [path.join(this.#folder, this.#kind), this.#folder];
    const file = folders.map((folder) => path.join(folder, name)).find(existsSync);
    if (!file)
      throw new Failure(`The build made no ${name} in ${this.#folder} (${this.#logFile}).`);
    return file;
  }

  #logEnd(lines) {
    const end = readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    return `the end of ${this.#logFile}:\n\n${end}`;
  }

  /** Runs a program with its output in the log. @param onLine gets each line @returns the exit status */
  #run(command, args, { onLine = () => {}, env = {} } = {}) {
    writeSync(this.#log, `\n> ${command} ${args.join(' ')}\n`);
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: ROOT,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let rest = '';
      const take = (chunk) => {
        writeSync(this.#log, chunk);
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        for (const line of lines) onLine(line);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('error', reject);
      child.on('close', resolve);
    });
  }
}

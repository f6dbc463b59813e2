import { Command } from 'commander';
import { byteSize } from '../byte-size.js';
import { describeKernels } from './doctor/kernel-table.js';
import type { ModelForecast, ModelReport } from './doctor/model-report.js';
import type { DoctorReport, GpuReport } from './doctor/report.js';
import { addModelFiles, MODEL_ARGUMENT, type ModelNameFlags } from './shared/named-model.js';

const EXAMPLES = `
Examples:
  $ llava-onevision doctor
  $ llava-onevision doctor --json
  $ llava-onevision doctor 7b-ov
  $ llava-onevision doctor models/ov-f16.gguf

Ends with status 1 when no native addon can be loaded, or when the model named could not be.`;

interface Flags extends ModelNameFlags {
  json?: true;
  kernels?: true;
}

type Line = [label: string, text: string];

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('show what was chosen to compute and why: addon, CPU features, GPUs, drivers')
    .argument('[model]', `also what loading it would do: ${MODEL_ARGUMENT}`);
  return addModelFiles(command)
    .option('--kernels', 'also which products our kernels compute on this CPU')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string | undefined, { json, kernels, ...flags }: Flags) => {
      const model = flags.model ?? word;
      // Imported here so that other commands start without it.
      const { examine } = await import('./doctor/report.js');
      const report = await examine(model === undefined ? undefined : { ...flags, model });
      const { addon, model: loads } = report;
      const table = kernels && !('error' in addon) ? describeKernels(addon.kernels) : '';
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report) + table);
      const isUsable =
        !('error' in addon) && (!loads || ('fits' in loads ? loads.fits : !('error' in loads)));
      if (!isUsable) process.exitCode = 1;
    });
}

function describe(report: DoctorReport): string {
  const { versions, platform, cpu, memory } = report;
  const lines: Line[] = [
    ['llava-onevision', versions.package],
    ['Node', versions.node],
    ['Platform', platform],
    ['CPU', `${cpu.model}, ${cpu.logicalCores} logical cores`],
    ['Memory', `${byteSize(memory.free)} free of ${byteSize(memory.total)}`],
    ...describeAddon(report.addon),
    ...report.gpus.flatMap(describeGpu),
    ['ffmpeg', describeFfmpeg(report.ffmpeg)],
    ...(report.model ? describeModel(report.model) : []),
  ];
  return lines.map(([label, text]) => `${label.padEnd(16)} ${text}\n`).join('');
}

function describeAddon(addon: DoctorReport['addon']): Line[] {
  if ('error' in addon) return [['Native addon', `cannot be loaded\n\n${addon.error}\n`]];
  const { backend } = addon;
  return [
    ['Native addon', addon.path],
    ['', `${addon.origin}, by ${addon.compiler}`],
    ['Backend', `${backend.name}: ${backend.reason}`],
    ['llama.cpp', `${addon.llama} (ggml ${addon.ggml}, commit ${addon.commit})`],
    ['CPU features', addon.cpuFeatures.join(' ')],
    ['Kernels', addon.kernels.instructionSet ?? "llama.cpp's: there are none of ours for this CPU"],
    ['Threads', `${addon.defaultThreads} by default (${addon.physicalCores} physical cores)`],
    ...(addon.waitingThreadsSleep
      ? []
      : [['', 'llama.cpp lacks our patch: far slower beside other programs'] satisfies Line]),
    ['Backends', addon.backends.join(', ')],
    ...addon.devices.map((device, i): Line => {
      const { memoryFree, memoryTotal } = device;
      const size = `, ${byteSize(memoryFree)} free of ${byteSize(memoryTotal)}`;
      const what = `${device.name}: ${device.description}${device.type === 'cpu' ? '' : size}`;
      return [i === 0 ? 'Devices' : '', what];
    }),
  ];
}

function describeGpu({ name, isUsable, file, problems, driver }: GpuReport): Line[] {
  const version = driver.version ?? 'of unknown version';
  const state = driver.isThere ? `driver ${version}` : 'no driver';
  return [
    [name, isUsable ? `usable, ${state}, ${file}` : `not usable, ${state}`],
    ...(isUsable ? [] : problems.map((problem): Line => ['', problem])),
  ];
}

function describeFfmpeg(ffmpeg: DoctorReport['ffmpeg']): string {
  if ('error' in ffmpeg) return 'none: video files cannot be read, frames can';
  return `${ffmpeg.version}, ${ffmpeg.ffmpeg}${ffmpeg.ffprobe ? '' : ' (no ffprobe, which would save time)'}`;
}

function describeModel(loads: NonNullable<DoctorReport['model']>): Line[] {
  if ('error' in loads) return [['Model', `cannot be loaded\n\n${loads.error}\n`]];
  return 'fits' in loads ? describeLoad(loads) : describeForecast(loads);
}

function describeForecast({ name, download, convert, type, reason, notes }: ModelForecast): Line[] {
  const chosen = type === undefined ? 'the best type that fits' : `${type}, ${reason}`;
  const steps = [
    ...(download > 0 ? [`${byteSize(download)} would be downloaded`] : []),
    ...(convert > 0 ? [`about ${byteSize(convert)} of files would be made`] : []),
  ];
  return [
    ['Model', name],
    ['', `${steps.join(', then ')} (${chosen}), once`],
    ...notes.map((note): Line => ['', note]),
  ];
}

function describeLoad(loads: ModelReport): Line[] {
  const { model, mmproj, memory, gpuLayers, layers, visionOnGpu, gpuFree } = loads;
  const onGpu = `${gpuLayers} of ${layers + 1} layers${mmproj ? `, vision tower ${visionOnGpu ? 'too' : 'not'}` : ''}`;
  const parts = (['weights', 'kvCache', 'compute', 'vision', 'pictures'] as const)
    .map((part) => `${part} ${byteSize(memory[part])}`)
    .join(', ');
  return [
    ['Model', model],
    ...(mmproj ? [['', mmproj] satisfies Line] : []),
    ['With auto', `${loads.backend}, ${loads.threads} threads, context of ${loads.contextSize}`],
    ...(gpuFree > 0
      ? [['', `on the GPU: ${onGpu}; ${byteSize(gpuFree)} free`] satisfies Line]
      : []),
    [
      '',
      `memory ${byteSize(memory.host)}${memory.gpu > 0 ? `, on the GPU ${byteSize(memory.gpu)}` : ''}`,
    ],
    ['', `(${parts})${loads.fits ? '' : ': more than there is'}`],
  ];
}

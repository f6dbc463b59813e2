import { Command } from 'commander';
import { byteSize } from './byte-size.js';
import { type DoctorReport, examine } from './doctor-report.js';

const EXAMPLES = `
Examples:
  $ llava-onevision doctor
  $ llava-onevision doctor --json

Ends with status 1 when the native addon cannot be loaded.`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show versions, how the native addon was built, devices and CPU features')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action(({ json }: { json?: true }) => {
      const report = examine();
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
      if ('error' in report.addon) process.exitCode = 1;
    });
}

function describe({ versions, platform, addon, cpu, memory }: DoctorReport): string {
  const lines: [label: string, text: string][] = [
    ['llava-onevision', versions.package],
    ['Node', versions.node],
    ['Platform', platform],
    ['CPU', `${cpu.model}, ${cpu.logicalCores} logical cores`],
    ['Memory', `${byteSize(memory.free)} free of ${byteSize(memory.total)}`],
  ];
  if ('error' in addon) {
    lines.push(['Native addon', `cannot be loaded\n\n${addon.error}`]);
  } else {
    lines.push(
      ['Native addon', addon.path],
      ['', `${addon.origin}, by ${addon.compiler}`],
      ['llama.cpp', `${addon.llama} (ggml ${addon.ggml}, commit ${addon.commit})`],
      ['CPU features', addon.cpuFeatures.join(' ')],
      ['Threads', `${addon.physicalCores} by default (physical cores)`],
      ['Backends', addon.backends.join(', ')],
      ...addon.devices.map((device, i): [string, string] => [
        i === 0 ? 'Devices' : '',
        device.type === 'cpu'
          ? `${device.name}: ${device.description}`
          : `${device.name}: ${device.description}, ${byteSize(device.memoryFree)} free of ${byteSize(device.memoryTotal)}`,
      ]),
    );
  }
  return lines.map(([label, text]) => `${label.padEnd(16)} ${text}\n`).join('');
}

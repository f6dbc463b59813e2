/** Whether the environment names a proxy that this Node leaves aside: a firewall that wants it then looks like a dead network. */

/** @returns what to do about it; undefined when there is nothing to say */
export function ignoredProxy(
  env: Readonly<Record<string, string | undefined>> = process.env,
  { version = process.versions.node, flags = process.execArgv } = {},
): string | undefined {
  const name = ['HTTPS_PROXY', 'https_proxy'].find((key) => env[key]);
  if (name === undefined) return undefined;
  const options = [...flags, ...(env.NODE_OPTIONS ?? '').split(/\s+/)];
  if (!isAble(version))
    return `${name} is set, but Node ${version} does not look at it: Node 22.21 and 24.5 or later do, with NODE_USE_ENV_PROXY=1.`;
  if (env.NODE_USE_ENV_PROXY === '1' || options.includes('--use-env-proxy')) return undefined;
  return `${name} is set, but Node uses it only with NODE_USE_ENV_PROXY=1.`;
}

/** @see https://nodejs.org/api/cli.html#node_use_env_proxy1, whose requests by node:https came with these versions */
function isAble(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}

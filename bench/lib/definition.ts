/** KubeVirt's own definition of a VirtualMachine under another group, so that every server takes it for a custom resource; undefined where it is not at hand. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const FILE = new URL('../../../shared/data/crds/kubevirt/virtualmachines.kubevirt.io.json.gz', import.meta.url);
export const CUSTOM_GROUP = 'bench.example';

export function customDefinition(): string | undefined {
  return !existsSync(FILE) ? undefined : gunzipSync(readFileSync(FILE)).toString()
    .replaceAll('"kubevirt.io"', JSON.stringify(CUSTOM_GROUP)).replaceAll('virtualmachines.kubevirt.io', `virtualmachines.${CUSTOM_GROUP}`);
}

/** A machine of that group. */
export const customMachine = (machine: string): string => machine.replace('"kubevirt.io/v1"', JSON.stringify(`${CUSTOM_GROUP}/v1`));

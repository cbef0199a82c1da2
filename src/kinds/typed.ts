/** Objects of the server seen with the static type of their kind. */
import type { KubeObject } from '../apimachinery/object.ts';
import type { Node, Pod, Service } from './generated/core.ts';
import type { VirtualMachine, VirtualMachineInstance } from './generated/kubevirt.ts';
import type { RuntimeClass } from './generated/node.ts';

/** apiVersion and kind → what an object of it looks like. */
interface Types {
  'v1 Node': Node;
  'v1 Pod': Pod;
  'v1 Service': Service;
  'node.k8s.io/v1 RuntimeClass': RuntimeClass;
  'kubevirt.io/v1 VirtualMachine': VirtualMachine;
  'kubevirt.io/v1 VirtualMachineInstance': VirtualMachineInstance;
}

/**
 * The same object with the type that its apiVersion and kind promise: whatever the server holds has been decoded
 * against the message of its kind. Throws when it is of another kind, which is an error of the caller's.
 */
export function typed<Name extends keyof Types>(name: Name, object: KubeObject): Types[Name] {
  if (`${object.apiVersion} ${object.kind}` !== name) {
    throw new Error(`expected ${name}, found ${object.apiVersion} ${object.kind}`);
  }
  // Sound by the check above; the compiler cannot tell one decoded kind from another.
  return object as unknown as Types[Name];
}

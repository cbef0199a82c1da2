/**
 * Virtual machines for the node: hand the extension to the pod workers, mount its `handler` at `/v1/namespaces/…`, and `start` it once
 * the informers run.
 */
export { QemuExtension, type QemuOptions } from './extension.ts';
export { guestHandler, type Guests } from './handler.ts';
export { kvmUsable, type KvmVerdict } from './kvm.ts';

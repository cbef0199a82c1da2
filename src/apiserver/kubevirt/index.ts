/** What `main.ts` wires into the API server for virtual machines. */
import type { ExtraGroup } from '../extragroup.ts';
import { kubevirtSubresources } from './group.ts';

export { instanceStatusGuard } from './statusguard.ts';

/** For `createApiServer`'s `groups`. */
export const kubevirtGroup = (): ExtraGroup => kubevirtSubresources;

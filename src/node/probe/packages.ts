/** Where the starter images come from: apt's archive, and the programs that open packages. */
import { attempt } from './command.ts';
import { limited, ok } from './probe.ts';
import type { Probe } from './probe.ts';

export const archiveProbe: Probe = {
  name: 'archive',
  packages: [],
  async run() {
    const dpkg = await attempt('dpkg-deb', ['--version']);
    const apt = await attempt('apt-cache', ['show', '--no-all-versions', 'busybox-static']);
    if (!dpkg.ok || apt.absent) {
      return limited('this is no Debian or Ubuntu: starter images cannot be made here, but images can be imported and pulled');
    }
    return apt.ok ? ok('apt offers busybox-static') : limited('apt knows no busybox-static yet: run apt-get update');
  },
};

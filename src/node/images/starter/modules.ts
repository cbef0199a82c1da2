/** Kernel modules: what each needs, read from the module itself, so that neither depmod nor modprobe is needed. */

const DEPENDS = Buffer.from('\0depends=');

/** The modules a module needs first, by name (`virtio_ring`), as its .modinfo section says. */
export function moduleDependencies(module: Buffer): string[] {
  const at = module.indexOf(DEPENDS);
  if (at < 0) {
    return [];
  }
  const from = at + DEPENDS.length;
  const list = module.toString('latin1', from, module.indexOf(0, from));
  return list === '' ? [] : list.split(',').map(moduleName);
}

/** File names may say `virtio-rng` where the kernel says `virtio_rng`. */
export function moduleName(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.ko$/, '').replaceAll('-', '_');
}

/** `wanted` and all they need, each after what it needs. Modules that the package lacks (built in, or none) are left out. */
export function loadOrder(available: ReadonlyMap<string, Buffer>, wanted: readonly string[]): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const module = available.get(name);
    if (module === undefined || seen.has(name)) {
      return;
    }
    seen.add(name);
    for (const needed of moduleDependencies(module)) {
      visit(needed);
    }
    order.push(name);
  };
  for (const name of wanted) {
    visit(name);
  }
  return order;
}

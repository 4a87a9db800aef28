import type { HostState } from "../host/host-state.js";
import { restoreHome } from "../host/load.js";
import { LoadedVmcs, NOWHERE } from "../host/loaded-vmcs.js";
import { Vcpu } from "../host/vcpu.js";
import type { JournalImage, VcpuImage, VmcsImage } from "./image.js";

/**
 * Epochs of one life of L0 are below those of the next, whatever of them was recorded: the life is their upper part, as the term is of a leader's log index.
 */
const EPOCHS_PER_LIFE = 2 ** 32;

/**
 * Makes a new L0 what the journal says that the last one was. Where VMCSs are active is not known until every CPU that the last one used has said what it holds, or is certainly gone:
 * until then `recovering` names it, and no operation is accepted.
 */
export function restore(host: HostState, image: JournalImage, life: number): void {
  const { next } = image;
  host.epochFloor = life * EPOCHS_PER_LIFE;
  host.nextOperation = next.operation;
  host.nextVcpu = next.vcpu;
  host.nextVm = next.vm;
  host.nextVmcs = next.vmcs;
  for (const { number, incarnation, vmxonRegion, online } of image.cpus.values()) {
    const cpu = host.cpu(number);
    cpu.vmxonRegion = vmxonRegion;
    if (vmxonRegion !== undefined) host.allocator.adopt(vmxonRegion);
    cpu.incarnation = incarnation;
    cpu.state = online ? "online" : "offline";
    if (incarnation !== 0) host.recovering.add(number);
  }
  const homeless = withoutPage(image);
  for (const vcpu of image.vcpus.values())
    for (const { facts } of vcpu.vmcss.values()) if (!homeless.has(facts.id)) host.allocator.adopt(facts.region);
  for (const vcpu of image.vcpus.values()) restoreVcpu(host, vcpu, homeless);
  for (const [vm, pages] of image.pages) {
    const memory = host.vms.get(vm)?.memory;
    for (const [address, { words, launchInitialised }] of pages) {
      const page = memory?.pageFor(address);
      if (page === undefined) continue;
      page.words.set(words);
      page.launchInitialised = launchInitialised;
      page.version++;
    }
  }
  host.emit({ kind: "host.restored", operation: 0, count: host.vcpus.size, reason: host.recovering.size });
}

/**
 * VMCSs whose page another one has: an operation freed it, and was not recorded, but one that was given the page since is. The first of them was cleared before its page was freed, so it is
 * active nowhere, and can live in any page.
 */
function withoutPage(image: JournalImage): Set<number> {
  const owners = new Map<number, VmcsImage>();
  const homeless = new Set<number>();
  for (const vcpu of image.vcpus.values()) {
    for (const vmcs of vcpu.vmcss.values()) {
      const { region, id } = vmcs.facts;
      const other = owners.get(region);
      // Identities grow: the greater one was given the page later.
      if (other === undefined || other.facts.id < id) owners.set(region, vmcs);
      if (other !== undefined) homeless.add(Math.min(other.facts.id, id));
    }
  }
  for (const cpu of image.cpus.values()) {
    const other = cpu.vmxonRegion === undefined ? undefined : owners.get(cpu.vmxonRegion);
    if (other !== undefined) homeless.add(other.facts.id);
  }
  return homeless;
}

function restoreVcpu(host: HostState, image: VcpuImage, homeless: ReadonlySet<number>): void {
  const { facts, vmcs12 } = image;
  const vmcss = new Map<number, LoadedVmcs>();
  for (const vmcs of image.vmcss.values())
    vmcss.set(vmcs.facts.id, restoreVmcs(host, vmcs, facts.id, homeless.has(vmcs.facts.id)));
  const vmcsOf = (id: number): LoadedVmcs => {
    const vmcs = vmcss.get(id);
    if (vmcs === undefined)
      throw new Error(`the journal names VMCS ${id} of vcpu ${facts.id} and does not describe it`);
    return vmcs;
  };
  const vm = host.vm(facts.vm);
  const vcpu = new Vcpu(facts.id, vm, facts.cpu, facts.poolSize, vmcsOf(facts.vmcs01));
  vcpu.vmxon = facts.vmxon;
  vcpu.vmxonPointer = facts.vmxonPointer;
  vcpu.currentVmptr = facts.currentVmptr;
  vcpu.guestMode = facts.guestMode;
  vcpu.killed = facts.killed;
  vcpu.vmcs12.fields.copyFrom(vmcs12);
  vcpu.vmcs12.launched = facts.vmcs12Launched;
  vcpu.loaded = vmcsOf(facts.loaded);
  vcpu.recordedOperation = facts.operation;
  for (const { vmptr, vmcs } of facts.pool) {
    vcpu.pool.push({ vmptr, vmcs: vmcsOf(vmcs) });
    host.allocator.adoptNode();
  }
  if (facts.spareVmcs02 !== undefined) {
    vcpu.spareVmcs02 = vmcsOf(facts.spareVmcs02);
    host.allocator.adoptNode();
  }
  vm.vcpus.add(facts.id);
  host.vcpus.set(facts.id, vcpu);
  host.emit({ kind: "vcpu.restored", operation: 0, vcpu: facts.id, cpu: facts.cpu, count: facts.poolSize });
}

function restoreVmcs(
  host: HostState,
  { facts, home, known }: VmcsImage,
  vcpu: number,
  isHomeless: boolean,
): LoadedVmcs {
  const region = isHomeless ? host.allocator.allocatePage() : facts.region;
  if (region === undefined) throw new Error(`no page is left for VMCS ${facts.id}`);
  const vmcs = new LoadedVmcs(facts.id, region, facts.role, vcpu);
  vmcs.home.copyFrom(home);
  vmcs.known.copyFrom(known);
  vmcs.missesWrites = facts.missesWrites;
  vmcs.initialised = facts.initialised && !isHomeless;
  vmcs.cpu = isHomeless ? NOWHERE : facts.cpu;
  vmcs.launched = facts.launched && !isHomeless;
  vmcs.epoch = facts.epoch;
  vmcs.activatedBy = facts.activatedBy;
  if (isHomeless && facts.cpu !== NOWHERE) restoreHome(vmcs);
  if (vmcs.isActive) host.cpu(vmcs.cpu).loaded.add(vmcs);
  host.emit({ kind: "vmcs.restored", operation: 0, vcpu, vmcs: vmcs.id, region, role: vmcs.role });
  return vmcs;
}

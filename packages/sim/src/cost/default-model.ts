import { type CostFigure, type CostModel, DEFAULT_COST_MODEL } from "./cost-model.js";

const NO_FIGURE = "assumption: no authoritative figure was found";

/** No source tells entry from exit: half of the round trip each. */
const ONE_WAY: CostFigure = {
  cycles: 600,
  range: [400, 1000],
  source:
    "half of 1,200: round trips of 1,181 (vmcall) and 1,291 (cpuid) in Linux commit b7ffc44d5b2e (kvm-unit-tests vmexit, 2017, CPU not stated), about 1,500 in a mail of S. Christopherson (kvm list, XFD thread, 2021); that the halves are equal is assumed",
  status: "derived",
};

const IPI_ONE_WAY: CostFigure = {
  cycles: 1500,
  range: [1000, 4000],
  source:
    "assumption: half of a round trip of 3,000 (1.2 µs), between under 1 µs (QNX hypervisor manual, CPU not stated) and 3 µs (blogs) on bare metal; inside a VM Linux commit 4180bf1b655a (2-socket Skylake, 2.5 GHz) has 2.24 µs one way and 2.51 µs with the answer; that the halves are equal is assumed",
  status: "assumed",
};

const VMWRITE: CostFigure = {
  cycles: 10,
  range: [5, 50],
  source:
    "assumption: more than VMREAD, which is the cheaper of the two (S. Christopherson, kvm list, 2024, without figures)",
  status: "assumed",
};

export const DEFAULT_MODEL: CostModel = {
  name: DEFAULT_COST_MODEL,
  describes: "An Intel processor that caches VMCSs (Westmere and later), on bare metal",
  ghz: 2.5,
  rows: {
    vmread: {
      cycles: 6,
      range: [5, 50],
      source:
        'Linux commit 7952d769c29c (2019): not executing "30+ VMREADs" saves "~200 cycles"; 200 / 36, the number of VMREADs in its source',
      status: "derived",
    },
    vmwrite: VMWRITE,
    vmwriteControl: { ...VMWRITE, source: `${VMWRITE.source}; what a control word costs more is controlRecheck` },
    controlRecheck: {
      cycles: 400,
      range: [300, 800],
      source:
        'the series "Reduce VMWRITEs to VMCS controls" (kvm list, 2019): a full consistency check at entry takes several hundred cycles, on Westmere and later; the number is chosen inside that',
      status: "derived",
    },
    vmptrldActive: {
      cycles: 100,
      range: [50, 300],
      source: `${NO_FIGURE}; only the pointer changes`,
      status: "assumed",
    },
    vmptrldLoad: {
      cycles: 500,
      range: [300, 2000],
      source: `${NO_FIGURE}; a region of 4 KiB is 64 cache lines, and Linux commit 7952d769c29c calls it expensive`,
      status: "assumed",
    },
    vmclearClean: {
      cycles: 150,
      range: [100, 2000],
      source: `${NO_FIGURE}; only the launch state is written`,
      status: "assumed",
    },
    vmclearDirty: {
      cycles: 600,
      range: [100, 2000],
      source: `${NO_FIGURE}; a little more than the load`,
      status: "assumed",
    },
    vmxon: {
      cycles: 300,
      range: [100, 2000],
      source: `${NO_FIGURE}; between the two kinds of VMPTRLD`,
      status: "assumed",
    },
    vmxoff: { cycles: 300, range: [100, 2000], source: `${NO_FIGURE}; as VMXON`, status: "assumed" },
    entry: ONE_WAY,
    launchExtra: {
      cycles: 500,
      range: [300, 1000],
      source:
        "assumption: the manual expects VMRESUME to have the lower latency and gives no figure (SDM chapter 31 of 2016); a full consistency check and what is cached at the first entry",
      status: "assumed",
    },
    exit: ONE_WAY,
    ipiSend: IPI_ONE_WAY,
    ipiAck: IPI_ONE_WAY,
  },
};

import { CPU_MODELS, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { expect, test } from "vitest";
import { describeModels, modelsDocument } from "./models-action.js";

test("every model, one of them the default, with what software learns from its MSRs", () => {
  const { models } = modelsDocument();
  expect(models.map(({ name }) => name)).toEqual(Object.keys(CPU_MODELS));
  expect(models.filter((model) => model.default).map(({ name }) => name)).toEqual([DEFAULT_CPU_MODEL]);
  const tigerlake = models.find(({ name }) => name === "tigerlake");
  expect(tigerlake).toMatchObject({ revision: "0x4", physicalAddressWidth: 40, vmcsShadowing: true });
  expect(tigerlake?.features).toContain("tscScaling");
  expect(tigerlake?.features).not.toContain("mpx");
  expect(tigerlake?.msrs["0x480"]).toBe("0x1d8100000000004");
});

test("for people: names first in their lines", () => {
  const lines = describeModels().split("\n");
  for (const name of Object.keys(CPU_MODELS)) expect(lines.some((line) => line.split(" ")[0] === name)).toBe(true);
});

import { expect, it } from "vitest";
import { whyNoFilter } from "./packet-filter.js";

it("where packets of a container cannot be filtered, it says why", async () => {
  const gone = { name: "cpu0", id: "vmcslab-no-such-container", restartPolicy: "no", ports: [7100, 7000] };
  const why = await whyNoFilter({ ...gone, published: undefined, isPortDrawn: false });
  expect(why).toMatch(/under Linux alone|only root|docker/);
});

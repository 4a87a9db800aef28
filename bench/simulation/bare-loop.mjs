/** The floor: a binary heap of callbacks ordered by time then number, and as many empty messages as asked for, a few dozen on their way at any time. */
const ON_THEIR_WAY = 32;

function before(a, b) {
  return a.time < b.time || (a.time === b.time && a.number < b.number);
}

class Loop {
  heap = [];
  now = 0;
  numbers = 0;

  send(delay, deliver) {
    const entry = { time: this.now + delay, number: this.numbers++, deliver };
    const { heap } = this;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(heap[parent], entry)) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = entry;
  }

  step() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0) {
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
        if (before(last, heap[child])) break;
        heap[index] = heap[child];
        index = child;
      }
      heap[index] = last;
    }
    this.now = first.time;
    first.deliver();
  }
}

/** Nanoseconds per message. */
export function bareLoopNs(messages) {
  const loop = new Loop();
  let random = 1;
  let delivered = 0;
  const deliver = () => {
    delivered++;
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    loop.send(random >>> 16, deliver);
  };
  for (let i = 0; i < ON_THEIR_WAY; i++) loop.send(i, deliver);
  const start = process.hrtime.bigint();
  while (delivered < messages) loop.step();
  return Number(process.hrtime.bigint() - start) / messages;
}

import type { HistoryEvent } from "./event.js";
import { MergeHeap } from "./merge-heap.js";

/*
 * Many streams into one history. Each stream is one source (or one life of it), ordered by `seq`, with lamport numbers that do not decrease; memory is
 * one event per stream. A stream that breaks this promise is still merged completely, but the result is then not in order: whoever checks it notices.
 */

/** Merges recorded streams into the order of {@link compareEvents}. */
export function* mergeStreams(streams: Iterable<Iterable<HistoryEvent>>): Generator<HistoryEvent, void, undefined> {
  const heap = new MergeHeap<Iterator<HistoryEvent>>();
  const open = new Set<Iterator<HistoryEvent>>();
  const advance = (stream: Iterator<HistoryEvent>): void => {
    const next = stream.next();
    if (next.done === true) open.delete(stream);
    else heap.push({ event: next.value, stream });
  };
  try {
    for (const iterable of streams) {
      const stream = iterable[Symbol.iterator]();
      open.add(stream);
      advance(stream);
    }
    for (let head = heap.pop(); head !== undefined; head = heap.pop()) {
      yield head.event;
      advance(head.stream);
    }
  } finally {
    // The consumer stopped early, or a stream threw: files and cursors behind the others are let go.
    for (const stream of open) stream.return?.();
  }
}

/** The same for streams that are read as they come. Waits for the next event of every open stream before it yields one. */
export async function* mergeAsyncStreams(
  streams: Iterable<AsyncIterable<HistoryEvent>>,
): AsyncGenerator<HistoryEvent, void, undefined> {
  const heap = new MergeHeap<AsyncIterator<HistoryEvent>>();
  const open = new Set<AsyncIterator<HistoryEvent>>();
  const advance = async (stream: AsyncIterator<HistoryEvent>): Promise<void> => {
    const next = await stream.next();
    if (next.done === true) open.delete(stream);
    else heap.push({ event: next.value, stream });
  };
  try {
    for (const iterable of streams) open.add(iterable[Symbol.asyncIterator]());
    await Promise.all([...open].map(advance));
    for (let head = heap.pop(); head !== undefined; head = heap.pop()) {
      yield head.event;
      await advance(head.stream);
    }
  } finally {
    for (const stream of open) await stream.return?.();
  }
}

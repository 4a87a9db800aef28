export { Board, type BoardOptions, type Delivery, type LinkFault, type Links } from "./board.js";
export { InMemoryHistory } from "./in-memory-history.js";

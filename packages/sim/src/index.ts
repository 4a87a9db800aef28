export { Board, type BoardOptions, type Delivery, type LinkFault } from "./board.js";

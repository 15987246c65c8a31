// What the page uses of d3.
export { bisector, ticks } from "d3-array";

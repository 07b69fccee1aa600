/** Words in drawings, where nothing wraps and nothing is cut by itself. */

const MOST = 100; // characters: no chart has room for more
const context = document.createElement("canvas").getContext("2d");

const widths = new Map(); // the same names are measured with every drawing, and measuring is slow

/** Width of the text in px, in the page's typeface. */
export function textWidth(text, size) {
  const key = `${size} ${text.slice(0, MOST)}`;
  if (!widths.has(key)) {
    context.font = `${size}px ${getComputedStyle(document.documentElement).fontFamily}`;
    widths.set(key, context.measureText(text.slice(0, MOST)).width);
  }
  return widths.get(key);
}

/** The text, or as much of its beginning as there is room for, and an ellipsis. */
export function fitted(text, room, size) {
  if (text.length <= MOST && textWidth(text, size) <= room) return text;
  const letters = [...text.slice(0, MOST)];
  while (letters.length && textWidth(`${letters.join("")}…`, size) > room) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}
